// The table of this instruction set. The file that includes this defines CK_ISA_NAME and CK_TABLE.
const struct ck_kernels CK_TABLE = {
  .name = CK_ISA_NAME,
  .lanes = VF_LANES,
  .panel_vectors = VF_PANEL_VECTORS,
  .tile_rows = CK_TILE_ROWS,
  .f32_thin_product = f32_thin_product,
  .f32_thin_gradient = f32_thin_gradient,
  .f32_gram = f32_gram,
  .f32_squared_norm = f32_squared_norm,
  .f32_peak = f32_peak,
#if VF_PANEL_VECTORS >= 4
  .f32_patch_product = {f32_patch_product_1, f32_patch_product_2, f32_patch_product_3,
                        f32_patch_product_4},
  .f32_outer_product = {{f32_outer_product_2x1, f32_outer_product_2x2, f32_outer_product_2x3,
                         f32_outer_product_2x4},
                        {f32_outer_product_4x1, f32_outer_product_4x2, f32_outer_product_4x3,
                         f32_outer_product_4x4},
                        {f32_outer_product_6x1, f32_outer_product_6x2, f32_outer_product_6x3,
                         f32_outer_product_6x4}},
#else
  .f32_patch_product = {f32_patch_product_1, f32_patch_product_2},
  .f32_outer_product = {{f32_outer_product_2x1, f32_outer_product_2x2},
                        {f32_outer_product_4x1, f32_outer_product_4x2},
                        {f32_outer_product_6x1, f32_outer_product_6x2}},
#endif
};
