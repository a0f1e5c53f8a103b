// ChaCha20, and normal noise generated from it.

#define CK_QUARTER(a, b, c, d)                          \
  x[a] = vu_add(x[a], x[b]);                            \
  x[d] = vu_xor(x[d], x[a]);                            \
  x[d] = vu_rotate(x[d], 16);                           \
  x[c] = vu_add(x[c], x[d]);                            \
  x[b] = vu_xor(x[b], x[c]);                            \
  x[b] = vu_rotate(x[b], 12);                           \
  x[a] = vu_add(x[a], x[b]);                            \
  x[d] = vu_xor(x[d], x[a]);                            \
  x[d] = vu_rotate(x[d], 8);                            \
  x[c] = vu_add(x[c], x[d]);                            \
  x[b] = vu_xor(x[b], x[c]);                            \
  x[b] = vu_rotate(x[b], 7);

// VF_LANES consecutive blocks, one per lane: Bernstein's layout, 64-bit counter, nonce zero.
CK_INLINE void chacha_lanes(const uint32_t key[8], uint64_t counter, vu x[16]) {
  static const uint32_t constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  uint32_t low[VF_LANES], high[VF_LANES];
  for (size_t lane = 0; lane < VF_LANES; ++lane) {
    low[lane] = (uint32_t)(counter + lane);
    high[lane] = (uint32_t)((counter + lane) >> 32);
  }
  const vu counter_low = vu_load(low), counter_high = vu_load(high);
  CK_UNROLL for (size_t i = 0; i < 4; ++i) x[i] = vu_set(constants[i]);
  CK_UNROLL for (size_t i = 0; i < 8; ++i) x[4 + i] = vu_set(key[i]);
  x[12] = counter_low;
  x[13] = counter_high;
  x[14] = vu_set(0);
  x[15] = vu_set(0);
  for (int round = 0; round < 10; ++round) {
    CK_QUARTER(0, 4, 8, 12)
    CK_QUARTER(1, 5, 9, 13)
    CK_QUARTER(2, 6, 10, 14)
    CK_QUARTER(3, 7, 11, 15)
    CK_QUARTER(0, 5, 10, 15)
    CK_QUARTER(1, 6, 11, 12)
    CK_QUARTER(2, 7, 8, 13)
    CK_QUARTER(3, 4, 9, 14)
  }
  CK_UNROLL for (size_t i = 0; i < 4; ++i) x[i] = vu_add(x[i], vu_set(constants[i]));
  CK_UNROLL for (size_t i = 0; i < 8; ++i) x[4 + i] = vu_add(x[4 + i], vu_set(key[i]));
  x[12] = vu_add(x[12], counter_low);
  x[13] = vu_add(x[13], counter_high);
}

static void u32_chacha20(const uint32_t key[8], uint64_t counter, uint32_t *words) {
  for (size_t set = 0; set < CK_NOISE_BLOCKS / VF_LANES; ++set) {
    vu x[16];
    chacha_lanes(key, counter + set * VF_LANES, x);
    for (size_t i = 0; i < 16; ++i) {
      uint32_t lanes[VF_LANES];
      vu_store(lanes, x[i]);
      for (size_t lane = 0; lane < VF_LANES; ++lane) {
        words[(set * VF_LANES + lane) * 16 + i] = lanes[lane];
      }
    }
  }
}

// The double nearest to a 64-bit integer. Both halves are exact next to a power of two: one rounding.
CK_INLINE vd vd_from_integer(vq x) {
  vd high = vd_from_bits(vq_or(vq_shift_right(x, 32), vq_set(0x4530000000000000u)));
  vd low = vd_from_bits(vq_or(vq_and(x, vq_set(0xffffffffu)), vq_set(0x4330000000000000u)));
  return vd_add(vd_subtract(high, vd_set(0x1.00000001p84)), low);
}

// ln u for a normal u in (0, 1], relative error below 2⁻⁵⁰. u = m · 2ᵏ with m in √½ … √2, and
// ln m = ln((1 + s) / (1 − s)) with s = (m − 1) / (m + 1).
CK_INLINE vd vd_log(vd u) {
  vq bits = vd_bits(u);
  // Exponents reach −65; adding 1024 to the exponent keeps the shifted difference positive.
  vq shifted = vq_add(vq_subtract(bits, vq_set(0x3fe6a09e667f3bcdu)), vq_set(1024ull << 52));
  vq biased = vq_shift_right(shifted, 52);
  vd k = vd_subtract(vd_from_bits(vq_or(biased, vq_set(0x4330000000000000u))),
                     vd_set(0x1p52 + 1024));
  vd m = vd_from_bits(vq_subtract(bits, vq_subtract(vq_shift_left(biased, 52),
                                                    vq_set(1024ull << 52))));
  vd s = vd_divide(vd_subtract(m, vd_set(1)), vd_add(m, vd_set(1)));
  vd z = vd_multiply(s, s);
  vd p = vd_set(0.14616449685043406);
  p = vd_fma(p, z, vd_set(0.15331721600556042));
  p = vd_fma(p, z, vd_set(0.18182889125261723));
  p = vd_fma(p, z, vd_set(0.2222221113479508));
  p = vd_fma(p, z, vd_set(0.28571428625975487));
  p = vd_fma(p, z, vd_set(0.39999999999899505));
  p = vd_fma(p, z, vd_set(0.666666666666667));
  vd tail = vd_fma(k, vd_set(1.6465949582897082e-12), vd_multiply(vd_multiply(s, z), p));
  return vd_fma(k, vd_set(0.6931471805582987), vd_add(vd_add(s, s), tail));
}

// Two independent normal numbers from 128 random bits (Box–Muller). The radius comes from a 64-bit
// uniform (x + ½) / 2⁶⁴, so tails reach √(2 · 65 · ln 2) = 9.49. The top two bits of the angle
// select a quarter turn; the next 52 are the position within a quarter centred on zero.
CK_INLINE void gaussian_pair(vq radius_bits, vq angle_bits, vd *first, vd *second) {
  vd u = vd_multiply(vd_add(vd_from_integer(radius_bits), vd_set(0.5)), vd_set(0x1p-64));
  vd radius = vd_sqrt(vd_multiply(vd_set(-2), vd_log(u)));
  vq fraction = vq_shift_right(vq_shift_left(angle_bits, 2), 12);
  vd f = vd_subtract(vd_from_bits(vq_or(fraction, vq_set(0x3ff0000000000000u))), vd_set(1.5));
  vd z = vd_multiply(f, f);
  vd s = vd_set(5.691927850489633e-08);
  s = vd_fma(s, z, vd_set(-3.598842717144858e-06));
  s = vd_fma(s, z, vd_set(0.0001604411847266723));
  s = vd_fma(s, z, vd_set(-0.004681754135314827));
  s = vd_fma(s, z, vd_set(0.07969262624616692));
  s = vd_fma(s, z, vd_set(-0.6459640975062463));
  s = vd_fma(s, z, vd_set(1.5707963267948966));
  s = vd_multiply(vd_multiply(s, f), radius);
  vd c = vd_set(4.710609726757823e-07);
  c = vd_fma(c, z, vd_set(-2.520203677046026e-05));
  c = vd_fma(c, z, vd_set(0.0009192602741831558));
  c = vd_fma(c, z, vd_set(-0.02086348076331121));
  c = vd_fma(c, z, vd_set(0.2536695079010467));
  c = vd_fma(c, z, vd_set(-1.2337005501361697));
  c = vd_fma(c, z, vd_set(1));
  c = vd_multiply(c, radius);
  // n quarter turns, n = 2a + b: b swaps the two values; a and a xor b set their signs.
  vq b = vq_shift_left(angle_bits, 1);
  const vq sign = vq_set(0x8000000000000000u);
  vq first_sign = vq_and(vq_xor(angle_bits, b), sign);
  vq second_sign = vq_and(angle_bits, sign);
  *first = vd_from_bits(vq_xor(vd_bits(vd_select_sign(b, s, c)), first_sign));
  *second = vd_from_bits(vq_xor(vd_bits(vd_select_sign(b, c, s)), second_sign));
}

CK_INLINE void add_noise(float *target, const vd noise[VD_PER_VF], vd deviation) {
  vd value[VD_PER_VF];
  vd_split(vf_load(target), value);
  CK_UNROLL for (size_t h = 0; h < VD_PER_VF; ++h) value[h] = vd_fma(deviation, noise[h], value[h]);
  vf_store(target, vf_from_doubles(value));
}

// One group: CK_NOISE_BLOCKS blocks become CK_NOISE_GROUP values. Value v of block b is stored at
// v · blocks + b on every instruction set.
CK_INLINE void noise_group(const uint32_t key[8], uint64_t counter, vd deviation, float *target) {
  for (size_t set = 0; set < CK_NOISE_BLOCKS / VF_LANES; ++set) {
    vu x[16];
    chacha_lanes(key, counter + set * VF_LANES, x);
    for (size_t pair = 0; pair < 4; ++pair) {
      vq radius[VD_PER_VF], angle[VD_PER_VF];
      vd first[VD_PER_VF], second[VD_PER_VF];
      vq_join(x[4 * pair], x[4 * pair + 1], radius);
      vq_join(x[4 * pair + 2], x[4 * pair + 3], angle);
      CK_UNROLL for (size_t h = 0; h < VD_PER_VF; ++h) {
        gaussian_pair(radius[h], angle[h], &first[h], &second[h]);
      }
      float *place = target + 2 * pair * CK_NOISE_BLOCKS + set * VF_LANES;
      add_noise(place, first, deviation);
      add_noise(place + CK_NOISE_BLOCKS, second, deviation);
    }
  }
}

static void f32_add_gaussian(const uint32_t key[8], uint64_t counter, double deviation,
                             float *target, size_t count) {
  const vd spread = vd_set(deviation);
  size_t i = 0;
  for (; i + CK_NOISE_GROUP <= count; i += CK_NOISE_GROUP) {
    noise_group(key, counter, spread, target + i);
    counter += CK_NOISE_BLOCKS;
  }
  if (i < count) {
    float group[CK_NOISE_GROUP];
    const size_t rest = count - i;
    for (size_t j = 0; j < CK_NOISE_GROUP; ++j) group[j] = j < rest ? target[i + j] : 0;
    noise_group(key, counter, spread, group);
    for (size_t j = 0; j < rest; ++j) target[i + j] = group[j];
  }
}
