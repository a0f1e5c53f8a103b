// Elementary functions over vectors of floats. Polynomials: Tests/Golden/elementary.

// eˣ, relative error below 2⁻²³; x is clamped to −87 … 88, where the result is normal.
CK_INLINE vf vf_exp(vf x) {
  x = vf_min(vf_max(x, vf_set(-87.0f)), vf_set(88.0f));
  vf n = vf_round(vf_multiply(x, vf_set(1.44269504f)));
  // ln 2 in two parts: the first is short, so that its product with n is exact.
  vf r = vf_fma(n, vf_set(-0.693359375f), x);
  r = vf_fma(n, vf_set(2.12194440e-4f), r);
  vf p = vf_set(0.0013926175888627768f);
  p = vf_fma(p, r, vf_set(0.008363173343241215f));
  p = vf_fma(p, r, vf_set(0.041666556149721146f));
  p = vf_fma(p, r, vf_set(0.16666577756404877f));
  p = vf_fma(p, r, vf_set(0.5f));
  p = vf_fma(vf_multiply(r, r), p, vf_add(r, vf_set(1.0f)));
  return vf_times_power_of_two(p, n);
}

// tanh x, relative error below 2⁻²²: a polynomial near zero, 1 − 2 / (e²ˣ + 1) elsewhere.
CK_INLINE vf vf_tanh(vf x) {
  vf size = vf_abs(x);
  vf z = vf_multiply(x, x);
  vf p = vf_set(-0.006096714176237583f);
  p = vf_fma(p, z, vf_set(0.020997179672122f));
  p = vf_fma(p, z, vf_set(-0.05385090783238411f));
  p = vf_fma(p, z, vf_set(0.1333276927471161f));
  p = vf_fma(p, z, vf_set(-0.333333283662796f));
  vf near = vf_fma(vf_multiply(x, z), p, x);
  vf power = vf_exp(vf_add(size, size));
  vf far = vf_subtract(vf_set(1.0f), vf_divide(vf_set(2.0f), vf_add(power, vf_set(1.0f))));
  return vf_select_greater(size, vf_set(0.625f), vf_copy_sign(far, x), near);
}
