#include "icc.h"

#include <lcms2.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// One conversion per thread is cached: the files of a folder usually share one profile, and some
// take a tenth of a second to prepare.
struct ci_ink_conversion {
  uint8_t *profile;
  size_t length;
  cmsUInt32Number format;
  cmsHTRANSFORM transform;  // NULL: nothing to convert
};

static pthread_key_t kept_key;
static pthread_once_t kept_once = PTHREAD_ONCE_INIT;

static void forget(void *memory) {
  ci_ink_conversion *kept = memory;
  if (kept == NULL) return;
  if (kept->transform != NULL) cmsDeleteTransform(kept->transform);
  free(kept->profile);
  free(kept);
}

static void make_key(void) { (void)pthread_key_create(&kept_key, forget); }

static cmsHPROFILE grey_srgb(void) {
  // The curve of IEC 61966-2-1.
  const cmsFloat64Number curve[5] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
  cmsToneCurve *tone = cmsBuildParametricToneCurve(NULL, 4, curve);
  if (tone == NULL) return NULL;
  cmsHPROFILE profile = cmsCreateGrayProfile(cmsD50_xyY(), tone);
  cmsFreeToneCurve(tone);
  return profile;
}

/// Whether a conversion changes 8-bit samples by no more than rounding.
static int changes_nothing(cmsHTRANSFORM transform, uint32_t channels) {
  enum { steps = 9 };
  uint8_t before[steps * steps * steps * 3];
  uint8_t after[sizeof before];
  uint32_t count = 0;
  for (uint32_t index = 0; index < (channels == 1 ? 256 : steps * steps * steps); index += 1) {
    if (channels == 1) {
      before[count++] = (uint8_t)index;
      continue;
    }
    before[count++] = (uint8_t)(index % steps * 255 / (steps - 1));
    before[count++] = (uint8_t)(index / steps % steps * 255 / (steps - 1));
    before[count++] = (uint8_t)(index / steps / steps * 255 / (steps - 1));
  }
  cmsDoTransform(transform, before, after, count / channels);
  for (uint32_t index = 0; index < count; index += 1) {
    if (abs((int)before[index] - (int)after[index]) > 1) return 0;
  }
  return 1;
}

/// The transform from `profile` to sRGB for samples of `format`; NULL if none can be made.
static cmsHTRANSFORM make_transform(
    const uint8_t *profile, size_t length, cmsUInt32Number format) {
  cmsHPROFILE source = cmsOpenProfileFromMem(profile, (cmsUInt32Number)length);
  if (source == NULL) return NULL;
  cmsUInt32Number space = T_COLORSPACE(format);
  int is_ink = space == PT_CMYK;
  cmsHTRANSFORM transform = NULL;
  if (cmsGetColorSpace(source) == _cmsICCcolorSpace((int)space)) {
    cmsHPROFILE target = space == PT_GRAY ? grey_srgb() : cmsCreate_sRGBProfile();
    cmsUInt32Number output = is_ink ? TYPE_RGB_8 : format;
    uint32_t channels = space == PT_GRAY ? 1 : 3;
    if (target != NULL && !is_ink) {
      cmsUInt32Number plain = channels == 1 ? TYPE_GRAY_8 : TYPE_RGB_8;
      cmsHTRANSFORM probe = cmsCreateTransform(
          source, plain, target, plain, INTENT_PERCEPTUAL, cmsFLAGS_NOCACHE);
      if (probe == NULL || changes_nothing(probe, channels)) {
        cmsCloseProfile(target);
        target = NULL;
      }
      if (probe != NULL) cmsDeleteTransform(probe);
    }
    if (target != NULL) {
      transform = cmsCreateTransform(
          source, format, target, output, INTENT_PERCEPTUAL, cmsFLAGS_NOCACHE);
      cmsCloseProfile(target);
    }
  }
  cmsCloseProfile(source);
  return transform;
}

/// This thread's conversion from `profile`, prepared again if the profile has changed.
static ci_ink_conversion *conversion(
    const uint8_t *profile, size_t length, cmsUInt32Number format) {
  if (profile == NULL || length < 128 || length > ci_profile_limit) return NULL;
  pthread_once(&kept_once, make_key);
  ci_ink_conversion *kept = pthread_getspecific(kept_key);
  if (kept != NULL && kept->format == format && kept->length == length &&
      memcmp(kept->profile, profile, length) == 0) {
    return kept->transform == NULL ? NULL : kept;
  }
  forget(kept);
  pthread_setspecific(kept_key, NULL);
  kept = calloc(1, sizeof *kept);
  if (kept == NULL) return NULL;
  kept->profile = malloc(length);
  if (kept->profile == NULL || pthread_setspecific(kept_key, kept) != 0) {
    forget(kept);
    return NULL;
  }
  memcpy(kept->profile, profile, length);
  kept->length = length;
  kept->format = format;
  kept->transform = make_transform(profile, length, format);
  return kept->transform == NULL ? NULL : kept;
}

void ci_convert_to_srgb(
    const ci_limits *limits, const uint8_t *profile, size_t length, ci_image *image) {
  if (limits->colour != CI_COLOUR_SRGB) return;
  int is_grey = image->channels < 3;
  uint32_t colours = is_grey ? 1 : 3;
  cmsUInt32Number format = COLORSPACE_SH(is_grey ? PT_GRAY : PT_RGB) | CHANNELS_SH(colours) |
                           EXTRA_SH(image->channels - colours) | BYTES_SH(image->bits / 8);
  ci_ink_conversion *found = conversion(profile, length, format);
  if (found == NULL) return;
  size_t row = (size_t)image->width * image->channels * (image->bits / 8);
  uint8_t *samples = (uint8_t *)(uintptr_t)image->samples;
  // In place, row by row; alpha is an extra channel and stays unchanged.
  for (uint32_t y = 0; y < image->height; y += 1) {
    cmsDoTransform(found->transform, samples + row * y, samples + row * y, image->width);
  }
}

const ci_ink_conversion *ci_ink_to_srgb(
    const ci_limits *limits, const uint8_t *profile, size_t length, int is_inverted) {
  if (limits->colour != CI_COLOUR_SRGB) return NULL;
  return conversion(profile, length, is_inverted ? TYPE_CMYK_8_REV : TYPE_CMYK_8);
}

void ci_convert_ink(
    const ci_ink_conversion *found, const uint8_t *ink, uint8_t *rgb, uint32_t width) {
  cmsDoTransform(found->transform, ink, rgb, width);
}
