//! Operators: what computes a layer's output on the GPU, and which of them an error model fits.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use thiserror::Error;

use crate::text::shown;

/// An operator for which faults were measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// Average pooling.
    AvgPool,
    /// Batch normalization.
    BatchNorm,
    /// The addition of a bias.
    BiasAdd,
    /// ReLU with an upper bound.
    ClippedRelu,
    /// Convolution by fast Fourier transform.
    ConvFft,
    /// Convolution by matrix multiplication.
    ConvGemm,
    /// Convolution by Winograd's algorithm.
    ConvWin,
    /// Exponential linear unit.
    Elu,
    /// Max pooling.
    MaxPool,
    /// Rectified linear unit.
    Relu,
    /// Logistic function.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
}

/// A text that names no operator.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("'{}' is not an operator: {}", shown(.0), Operator::ALL.map(Operator::name).join(", "))]
pub struct OperatorError(String);

/// The operator that a layer is read as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The operator whose error model fits.
    pub operator: Operator,
    /// The activation fused into the layer, if it has one: faults of the operator, measured before the activation, then
    /// land behind it.
    pub fused: Option<String>,
}

impl Operator {
    /// All operators, by name.
    pub const ALL: [Operator; 12] = [
        Operator::AvgPool,
        Operator::BatchNorm,
        Operator::BiasAdd,
        Operator::ClippedRelu,
        Operator::ConvFft,
        Operator::ConvGemm,
        Operator::ConvWin,
        Operator::Elu,
        Operator::MaxPool,
        Operator::Relu,
        Operator::Sigmoid,
        Operator::Tanh,
    ];

    /// The name in model sets and flags.
    pub fn name(self) -> &'static str {
        match self {
            Operator::AvgPool => "avgpool",
            Operator::BatchNorm => "batchnorm",
            Operator::BiasAdd => "bias_add",
            Operator::ClippedRelu => "clipped_relu",
            Operator::ConvFft => "conv_fft",
            Operator::ConvGemm => "conv_gemm",
            Operator::ConvWin => "conv_win",
            Operator::Elu => "elu",
            Operator::MaxPool => "maxpool",
            Operator::Relu => "relu",
            Operator::Sigmoid => "sigmoid",
            Operator::Tanh => "tanh",
        }
    }

    /// The range of the output, where the operator itself fixes it.
    pub fn range(self) -> Option<(f32, f32)> {
        match self {
            Operator::Sigmoid => Some((0.0, 1.0)),
            Operator::Tanh => Some((-1.0, 1.0)),
            _ => None,
        }
    }

    /// How a Keras layer of class `class_name` and configuration `config` is read; `None` where only the user can know.
    pub fn of_layer(class_name: &str, config: &Value) -> Option<Reading> {
        let plain = |operator| Some(Reading { operator, fused: None });
        match class_name {
            "Conv2D" | "DepthwiseConv2D" | "SeparableConv2D" | "Conv2DTranspose" => {
                let fused = own_activation(config).map(str::to_owned);
                Some(Reading { operator: Operator::ConvGemm, fused })
            }
            "MaxPooling2D" | "GlobalMaxPooling2D" => plain(Operator::MaxPool),
            "AveragePooling2D" | "GlobalAveragePooling2D" => plain(Operator::AvgPool),
            "BatchNormalization" => plain(Operator::BatchNorm),
            "ReLU" if config.get("max_value").is_some_and(|max| !max.is_null()) => plain(Operator::ClippedRelu),
            "ReLU" | "LeakyReLU" => plain(Operator::Relu),
            "ELU" => plain(Operator::Elu),
            "Activation" => Operator::of_activation(activation(config)?).and_then(plain),
            _ => None,
        }
    }

    /// The operator of an activation function, by Keras' name for it.
    pub fn of_activation(name: &str) -> Option<Operator> {
        match name {
            "relu" | "leaky_relu" => Some(Operator::Relu),
            "relu6" => Some(Operator::ClippedRelu),
            "elu" => Some(Operator::Elu),
            "sigmoid" => Some(Operator::Sigmoid),
            "tanh" => Some(Operator::Tanh),
            _ => None,
        }
    }
}

/// The activation that a layer's configuration names, unless it is linear.
pub fn own_activation(config: &Value) -> Option<&str> {
    activation(config).filter(|name| *name != "linear")
}

/// The name of a layer's activation: Keras writes the name, or an object whose `config` is the name.
fn activation(config: &Value) -> Option<&str> {
    let activation = config.get("activation")?;
    activation
        .as_str()
        .or_else(|| activation.get("config")?.as_str())
        .or_else(|| activation.get("class_name")?.as_str())
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Operator {
    type Err = OperatorError;

    fn from_str(text: &str) -> Result<Self, OperatorError> {
        Operator::ALL.into_iter().find(|operator| operator.name() == text).ok_or_else(|| OperatorError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(class_name: &str, config: Value) -> Option<(&'static str, Option<String>)> {
        Operator::of_layer(class_name, &config).map(|reading| (reading.operator.name(), reading.fused))
    }

    #[test]
    fn layers_are_read_by_class() {
        for (class_name, config, operator) in [
            ("Conv2D", json!({}), "conv_gemm"),
            ("Conv2D", json!({"activation": "linear"}), "conv_gemm"),
            ("DepthwiseConv2D", json!({"activation": null}), "conv_gemm"),
            ("SeparableConv2D", json!({}), "conv_gemm"),
            ("Conv2DTranspose", json!({}), "conv_gemm"),
            ("MaxPooling2D", json!({}), "maxpool"),
            ("GlobalMaxPooling2D", json!({}), "maxpool"),
            ("AveragePooling2D", json!({}), "avgpool"),
            ("GlobalAveragePooling2D", json!({}), "avgpool"),
            ("BatchNormalization", json!({}), "batchnorm"),
            ("ReLU", json!({"max_value": null}), "relu"),
            ("ReLU", json!({"max_value": 6.0}), "clipped_relu"),
            ("LeakyReLU", json!({"alpha": 0.1}), "relu"),
            ("ELU", json!({}), "elu"),
            ("Activation", json!({"activation": "relu"}), "relu"),
            ("Activation", json!({"activation": "relu6"}), "clipped_relu"),
            ("Activation", json!({"activation": "tanh"}), "tanh"),
            ("Activation", json!({"activation": "sigmoid"}), "sigmoid"),
            ("Activation", json!({"activation": "elu"}), "elu"),
            (
                "Activation",
                json!({"activation": {"module": "builtins", "class_name": "function", "config": "relu6"}}),
                "clipped_relu",
            ),
        ] {
            assert_eq!(read(class_name, config.clone()), Some((operator, None)), "{class_name} {config}");
        }
        for (class_name, config) in [
            ("Dense", json!({"activation": "relu"})),
            ("Activation", json!({"activation": "swish"})),
            ("Activation", json!({})),
            ("Dropout", json!(null)),
        ] {
            assert_eq!(read(class_name, config), None, "{class_name}");
        }
    }

    #[test]
    fn a_fused_activation_is_told() {
        assert_eq!(read("Conv2D", json!({"activation": "relu"})), Some(("conv_gemm", Some("relu".to_owned()))));
        let own = json!({"activation": {"class_name": "Swish", "config": {"beta": 1}}});
        assert_eq!(read("DepthwiseConv2D", own), Some(("conv_gemm", Some("Swish".to_owned()))));
    }

    #[test]
    fn names_are_read_back() {
        for operator in Operator::ALL {
            assert_eq!(operator.name().parse(), Ok(operator));
        }
        assert_eq!(
            "conv".parse::<Operator>().unwrap_err().to_string(),
            "'conv' is not an operator: avgpool, batchnorm, bias_add, clipped_relu, conv_fft, conv_gemm, conv_win, \
             elu, maxpool, relu, sigmoid, tanh"
        );
    }
}
