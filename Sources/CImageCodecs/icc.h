// Converts colours from a file's ICC profile to sRGB, for every decoder of this folder. The
// profiles are hostile; callers read hostile ones in the confined process.
#ifndef FIGMENT_ICC_H
#define FIGMENT_ICC_H

#include "CImageCodecs.h"

/// A longer profile is not applied: the largest printer profiles have about 3 MiB.
enum { ci_profile_limit = 4 << 20 };

/// Converts the samples of `image` from `profile` to sRGB, in place (grey to grey on the sRGB curve).
///
/// The samples stay unchanged if the limits specify CI_COLOUR_AS_STORED or there is no profile, or
/// if the profile is damaged, too long, made for another number of channels, or sRGB itself.
/// `image->samples` is memory of the decoder that may be written.
void ci_convert_to_srgb(
    const ci_limits *limits, const uint8_t *profile, size_t length, ci_image *image);

/// A conversion of ink to sRGB.
typedef struct ci_ink_conversion ci_ink_conversion;

/// The conversion described by a CMYK profile; NULL if `profile` describes none. Valid until this
/// thread's next call of a function in this file. `is_inverted`: 0 is full ink.
const ci_ink_conversion *ci_ink_to_srgb(
    const ci_limits *limits, const uint8_t *profile, size_t length, int is_inverted);

/// Converts `width` pixels of 4 bytes to as many of 3 bytes.
void ci_convert_ink(
    const ci_ink_conversion *conversion, const uint8_t *ink, uint8_t *rgb, uint32_t width);

#endif
