//! Layers read as operators of the error models.

use serde_json::Value;

use super::classes::{Computes, Kind, activation_name, own_activation};
use crate::operator::Operator;

/// The operator that a layer is read as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The operator whose error model fits.
    pub operator: Operator,
    /// The activation fused into the layer, if it has one: faults of the operator, measured before the activation, then
    /// land behind it.
    pub fused: Option<String>,
}

/// How a layer that is constructed from `config` is read; `None` where only the user can know.
pub fn reading(kind: Kind, config: &Value) -> Option<Reading> {
    let class = kind.class()?;
    let operator = match class.computes {
        Computes::Unmeasured => return None,
        Computes::One(operator) => operator,
        Computes::ItsActivation => Operator::of_activation(activation_name(config.get("activation")?)?)?,
        Computes::Relu if config.get("max_value").is_some_and(|max| !max.is_null()) => Operator::ClippedRelu,
        Computes::Relu => Operator::Relu,
    };
    let fused = own_activation(config).filter(|_| class.fuses).map(str::to_owned);
    Some(Reading { operator, fused })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::keras::classes::find;

    fn read(class_name: &str, config: Value) -> Option<(&'static str, Option<String>)> {
        reading(find(class_name).map_or(Kind::Other, Kind::Keras), &config)
            .map(|reading| (reading.operator.name(), reading.fused))
    }

    #[test]
    fn layers_are_read_by_class() {
        for (class_name, config, operator) in [
            ("Conv2D", json!({}), "conv_gemm"),
            ("Conv2D", json!({"activation": "linear"}), "conv_gemm"),
            ("DepthwiseConv2D", json!({"activation": null}), "conv_gemm"),
            ("SeparableConv2D", json!({}), "conv_gemm"),
            ("Conv2DTranspose", json!({}), "conv_gemm"),
            ("Convolution2D", json!({"nb_filter": 8}), "conv_gemm"),
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
}
