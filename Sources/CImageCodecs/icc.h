// Colours that a file describes by an ICC profile, brought to sRGB. For every decoder of this
// folder; the profiles are hostile, and whoever reads hostile ones does so in the confined process.
#ifndef FIGMENT_ICC_H
#define FIGMENT_ICC_H

#include "CImageCodecs.h"

/// A longer profile is not applied: the largest of printers have about 3 MiB.
enum { ci_profile_limit = 4 << 20 };

/// Brings the samples of `image` from `profile` to sRGB, in place (grey to grey of the sRGB curve).
///
/// The samples stay as they are when the limits say CI_COLOUR_AS_STORED, when there is no profile,
/// when it is damaged, too long, made for another number of channels, or sRGB itself.
/// `image->samples` is memory of the decoder that may be written.
void ci_convert_to_srgb(
    const ci_limits *limits, const uint8_t *profile, size_t length, ci_image *image);

/// A conversion of ink to sRGB.
typedef struct ci_ink_conversion ci_ink_conversion;

/// The conversion that a CMYK profile describes, NULL when `profile` describes none; valid until
/// this thread's next call of a function of this file. `is_inverted`: 0 is full ink.
const ci_ink_conversion *ci_ink_to_srgb(
    const ci_limits *limits, const uint8_t *profile, size_t length, int is_inverted);

/// `width` pixels of 4 bytes to as many of 3.
void ci_convert_ink(
    const ci_ink_conversion *conversion, const uint8_t *ink, uint8_t *rgb, uint32_t width);

#endif
