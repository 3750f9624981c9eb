//! Layers whose output has the shape of their input.

use super::Dims;
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

pub(super) fn output(settings: Settings, input: &Dims) -> Option<Dims> {
    (settings.class == simulator::CLASS || CLASSES.contains(&settings.class)).then(|| input.clone())
}
