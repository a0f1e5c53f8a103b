// Peak throughput of the processor: independent multiply-adds without memory access.

static double f32_peak(size_t rounds, float *sink) {
  enum { chains = 12 };
  vf sum[chains];
  CK_UNROLL for (size_t i = 0; i < chains; ++i) sum[i] = vf_set((float)i);
  const vf factor = vf_set(sink[0]), term = vf_set(sink[1]);
  for (size_t n = 0; n < rounds; ++n) {
    CK_UNROLL for (size_t i = 0; i < chains; ++i) sum[i] = vf_fma(sum[i], factor, term);
  }
  vf total = vf_zero();
  CK_UNROLL for (size_t i = 0; i < chains; ++i) total = vf_add(total, sum[i]);
  sink[2] = vf_sum(total);
  return 2.0 * chains * VF_LANES * (double)rounds;
}
