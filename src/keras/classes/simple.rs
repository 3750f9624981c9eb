//! Layers that treat values alone: activations, normalisations, noise, pooling, sizes, axes, several tensors into one.

use super::{Class, Computes, Features, Merging, Pooling, Rule, Spatial};
use crate::keras::variables::{Variable, When, kept, trained};
use crate::operator::Operator::{AvgPool, BatchNorm, Elu, MaxPool, Relu};

const GAMMA: Variable = trained(&["gamma"]).when(&[When::Unless("scale")]);
const BETA: Variable = trained(&["beta"]).when(&[When::Unless("center")]);
const RENORM: &[When] = &[When::If("renorm")];
const BATCH_NORMALIZATION: &[Variable] = &[
    GAMMA,
    BETA,
    kept(&["moving_mean"]),
    kept(&["moving_variance"]),
    kept(&["moving_stddev"]).when(RENORM),
    kept(&["renorm_mean"]).when(RENORM),
    kept(&["renorm_stddev"]).when(RENORM),
];

const fn same(name: &'static str) -> Class {
    Class::new(name, Rule::Same)
}

const fn pooling(name: &'static str, kind: Pooling, rank: usize) -> Class {
    Class::new(name, Rule::Pooling(kind, rank))
}

const fn windowed(name: &'static str, rank: usize) -> Class {
    pooling(name, Pooling::Windowed, rank)
}

const fn global(name: &'static str, rank: usize) -> Class {
    pooling(name, Pooling::Global, rank)
}

const fn adaptive(name: &'static str, rank: usize) -> Class {
    pooling(name, Pooling::Adaptive, rank)
}

const fn spatial(name: &'static str, kind: Spatial, rank: usize) -> Class {
    Class::new(name, Rule::Spatial(kind, rank))
}

const fn merging(name: &'static str, kind: Merging) -> Class {
    Class::new(name, Rule::Merging(kind))
}

const fn features(name: &'static str, features: Features) -> Class {
    Class::new(name, Rule::Features(features))
}

pub(super) const ROWS: &[Class] = &[
    Class::new("InputLayer", Rule::Input),
    // Activations.
    same("Activation").computes(Computes::ItsActivation),
    same("ELU").operator(Elu),
    same("LeakyReLU").operator(Relu),
    same("PReLU").variables(&[trained(&["alpha"])]),
    same("ReLU").computes(Computes::Relu),
    same("SReLU").variables(&[
        trained(&["t_left"]),
        trained(&["a_left"]),
        trained(&["t_right"]),
        trained(&["a_right"]),
    ]),
    same("Softmax"),
    same("ThresholdedReLU"),
    // Normalisation.
    same("BatchNormalization")
        .also(&["BatchNormalizationV1", "BatchNormalizationV2", "SyncBatchNormalization"])
        .operator(BatchNorm)
        .variables(BATCH_NORMALIZATION),
    same("GroupNormalization").variables(&[GAMMA, BETA]),
    same("LayerNormalization")
        .variables(&[GAMMA, trained(&["beta"]).when(&[When::Unless("center"), When::IfNot("rms_scaling")])]),
    same("RMSNormalization").variables(&[trained(&["scale"])]),
    same("UnitNormalization"),
    // Regularisation, noise and what values alone undergo.
    same("ActivityRegularization"),
    same("AlphaDropout"),
    same("Dropout"),
    same("GaussianDropout"),
    same("GaussianNoise"),
    same("SpatialDropout1D"),
    same("SpatialDropout2D"),
    same("SpatialDropout3D"),
    same("Identity"),
    same("Masking"),
    same("Rescaling"),
    // Bases of others, which in Keras 2 pass on what they take.
    same("Layer"),
    same("PreprocessingLayer"),
    // Of ConvNeXt in keras.applications.
    same("LayerScale").variables(&[trained(&["gamma"])]),
    same("StochasticDepth"),
    // What its function does nobody knows.
    Class::new("Lambda", Rule::Unknown),
    // Pooling.
    windowed("MaxPooling1D", 1).also(&["MaxPool1D"]),
    windowed("MaxPooling2D", 2).also(&["MaxPool2D"]).operator(MaxPool),
    windowed("MaxPooling3D", 3).also(&["MaxPool3D"]),
    windowed("AveragePooling1D", 1).also(&["AvgPool1D"]),
    windowed("AveragePooling2D", 2).also(&["AvgPool2D"]).operator(AvgPool),
    windowed("AveragePooling3D", 3).also(&["AvgPool3D"]),
    global("GlobalMaxPooling1D", 1).also(&["GlobalMaxPool1D"]),
    global("GlobalMaxPooling2D", 2).also(&["GlobalMaxPool2D"]).operator(MaxPool),
    global("GlobalMaxPooling3D", 3).also(&["GlobalMaxPool3D"]),
    global("GlobalAveragePooling1D", 1).also(&["GlobalAvgPool1D"]),
    global("GlobalAveragePooling2D", 2).also(&["GlobalAvgPool2D"]).operator(AvgPool),
    global("GlobalAveragePooling3D", 3).also(&["GlobalAvgPool3D"]),
    adaptive("AdaptiveMaxPooling1D", 1),
    adaptive("AdaptiveMaxPooling2D", 2),
    adaptive("AdaptiveMaxPooling3D", 3),
    adaptive("AdaptiveAveragePooling1D", 1),
    adaptive("AdaptiveAveragePooling2D", 2),
    adaptive("AdaptiveAveragePooling3D", 3),
    // Sizes of images.
    spatial("ZeroPadding1D", Spatial::Padding, 1),
    spatial("ZeroPadding2D", Spatial::Padding, 2),
    spatial("ZeroPadding3D", Spatial::Padding, 3),
    spatial("Cropping1D", Spatial::Cropping, 1),
    spatial("Cropping2D", Spatial::Cropping, 2),
    spatial("Cropping3D", Spatial::Cropping, 3),
    spatial("UpSampling1D", Spatial::UpSampling, 1),
    spatial("UpSampling2D", Spatial::UpSampling, 2),
    spatial("UpSampling3D", Spatial::UpSampling, 3),
    spatial("Resizing", Spatial::Resizing, 2),
    spatial("CenterCrop", Spatial::Resizing, 2),
    spatial("RandomCrop", Spatial::Resizing, 2),
    spatial("RandomHeight", Spatial::AnyHeight, 2),
    spatial("RandomWidth", Spatial::AnyWidth, 2),
    // Axes.
    features("Flatten", Features::Flatten),
    features("Reshape", Features::Reshape),
    features("Permute", Features::Permute),
    features("RepeatVector", Features::Repeat),
    // Several tensors into one.
    merging("Add", Merging::Elementwise),
    merging("Subtract", Merging::Elementwise),
    merging("Multiply", Merging::Elementwise),
    merging("Average", Merging::Elementwise),
    merging("Maximum", Merging::Elementwise),
    merging("Minimum", Merging::Elementwise),
    // Of InceptionResNetV2 in keras.applications: the first plus the second, scaled.
    merging("CustomScaleLayer", Merging::Elementwise),
    merging("Concatenate", Merging::Concatenated),
    merging("Dot", Merging::Dot),
    merging("Merge", Merging::ByMode),
];
