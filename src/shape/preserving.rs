//! Layers whose output has the shape of their input.

use super::axis::Axes;
use super::settings::Settings;
use crate::keras::simulator;

const CLASSES: &[&str] = &[
    // Activations
    "Activation",
    "ELU",
    "LeakyReLU",
    "PReLU",
    "ReLU",
    "SReLU",
    "Softmax",
    "ThresholdedReLU",
    // Normalisation
    "BatchNormalization",
    "BatchNormalizationV1",
    "BatchNormalizationV2",
    "GroupNormalization",
    "LayerNormalization",
    "Normalization",
    "RMSNormalization",
    "SyncBatchNormalization",
    "UnitNormalization",
    // Regularisation and noise
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    // Values alone
    "Identity",
    "Masking",
    "Rescaling",
    // Augmentation
    "AugMix",
    "AutoContrast",
    "Equalization",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "Solarization",
    // Of ConvNeXt in keras.applications
    "LayerScale",
    "StochasticDepth",
];

pub(super) fn output(settings: Settings, input: &Axes) -> Option<Axes> {
    keeps_shape(settings.class).then(|| input.clone())
}

pub(super) fn keeps_shape(class: &str) -> bool {
    class == simulator::CLASS || CLASSES.contains(&class)
}
