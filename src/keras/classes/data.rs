//! Layers that prepare data: augmentation of images, encodings of categories and text, spectrograms.

use super::{Class, Holds, Rule};
use crate::keras::variables::{When, kept, trained};

const NOT_GIVEN: &[When] = &[When::NotGiven("mean")];

const fn same(name: &'static str) -> Class {
    Class::new(name, Rule::Same)
}

const fn other(name: &'static str) -> Class {
    Class::new(name, Rule::Unknown)
}

pub(super) const ROWS: &[Class] = &[
    // Augmentation of images.
    same("AugMix"),
    same("AutoContrast"),
    same("ContrastLimitedAdaptiveHistogramEqualization"),
    same("Equalization"),
    same("RandAugment"),
    same("RandomBrightness"),
    same("RandomColorDegeneration"),
    same("RandomColorJitter"),
    same("RandomContrast"),
    same("RandomElasticTransform"),
    same("RandomErasing"),
    same("RandomFlip"),
    same("RandomGaussianBlur"),
    same("RandomGrayscale"),
    same("RandomHue"),
    same("RandomInvert"),
    same("RandomPerspective"),
    same("RandomPosterization"),
    same("RandomRotation"),
    same("RandomSaturation"),
    same("RandomSharpness"),
    same("RandomShear"),
    same("RandomTranslation"),
    same("RandomZoom"),
    same("Solarization"),
    other("Pipeline").holds(Holds::Layers(&["layers"])),
    // On images with labels or boxes: a structure comes out.
    other("CutMix"),
    other("MixUp"),
    other("MaxNumBoundingBoxes"),
    // Numbers and categories.
    same("Normalization").variables(&[
        kept(&["mean"]).when(NOT_GIVEN),
        kept(&["variance"]).when(NOT_GIVEN),
        kept(&["count"]).when(NOT_GIVEN),
    ]),
    other("CategoryEncoding"),
    other("Discretization"),
    other("HashedCrossing"),
    other("Hashing"),
    // Vocabularies are tables or assets; with `tf_idf` some are weights.
    other("IntegerLookup").holds(Holds::Parts),
    other("StringLookup").holds(Holds::Parts),
    other("TextVectorization").holds(Holds::Parts),
    // Sound.
    other("MelSpectrogram"),
    other("STFTSpectrogram").variables(&[
        trained(&["real_kernel"]).when(&[When::IsNot("mode", "imag")]),
        trained(&["imag_kernel"]).when(&[When::IsNot("mode", "real")]),
    ]),
];
