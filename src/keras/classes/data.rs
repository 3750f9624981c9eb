//! Layers that prepare data: augmentation of images, encodings of categories and text, spectrograms.

use super::{Class, Holds, Rule};
use crate::keras::variables::{When, kept, trained};

const VOCABULARY: &[When] = &[When::Is("output_mode", "tf_idf"), When::NotGiven("vocabulary")];
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
    // Those of a list, one after the other.
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
    // Where it has learnt its bounds, Keras 2 saves what it learnt them from.
    other("Discretization").parts_when(&[When::NotGiven("bin_boundaries")]),
    other("HashedCrossing"),
    other("Hashing"),
    // A vocabulary that stands in the config is no weight; what goes with `tf_idf` is one in Keras 2.
    other("IntegerLookup").parts_when(VOCABULARY),
    other("StringLookup").parts_when(VOCABULARY),
    other("TextVectorization").parts_when(VOCABULARY),
    other("DenseFeatures").holds(Holds::Parts),
    other("DynamicEmbedding").holds(Holds::Parts),
    other("DynamicLookup").holds(Holds::Parts),
    // Sound.
    other("MelSpectrogram"),
    other("STFTSpectrogram").variables(&[
        trained(&["real_kernel"]).when(&[When::IsNot("mode", "imag")]),
        trained(&["imag_kernel"]).when(&[When::IsNot("mode", "real")]),
    ]),
    // What other libraries compute.
    other("FlaxLayer").holds(Holds::Parts),
    other("JaxLayer").holds(Holds::Parts),
    other("TFSMLayer").holds(Holds::Parts),
    other("TorchModuleWrapper").holds(Holds::Parts),
];
