//! Operators: what computes a layer's output on the GPU, and which of them an error model fits.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::layout::Shape;
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

/// A convolution as a config describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// The shape of its input, where it is known.
    pub input: Option<Shape>,
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// The distance of the places at which the kernel is applied.
    pub strides: [usize; 2],
    /// The distance of the cells that the kernel reads.
    pub dilation: [usize; 2],
    /// Whether each output channel reads all input channels.
    pub is_full: bool,
}

/// A text that names no operator.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("'{}' is not an operator: {}", shown(.0), Operator::ALL.map(Operator::name).join(", "))]
pub struct OperatorError(String);

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

    /// Whether each cell of its output is computed from one cell, so that it is the same operator whatever the axes are.
    pub fn is_elementwise(self) -> bool {
        match self {
            Operator::BatchNorm
            | Operator::ClippedRelu
            | Operator::Elu
            | Operator::Relu
            | Operator::Sigmoid
            | Operator::Tanh => true,
            Operator::AvgPool
            | Operator::BiasAdd
            | Operator::ConvFft
            | Operator::ConvGemm
            | Operator::ConvWin
            | Operator::MaxPool => false,
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
