//! What a layer computes, as far as error models go: its operator, and the activation that it applies itself.

use serde_json::Value;

use super::classes::{Computes, Kind, activation_name, own_activation};
use crate::json;
use crate::operator::Operator;

/// The operator whose error model fits a layer that is constructed from `config`; `None` where only the user can know.
pub fn operator(kind: Kind, config: &Value) -> Option<Operator> {
    match kind.class()?.computes {
        Computes::Unmeasured => None,
        Computes::One(operator) => Some(operator),
        Computes::ItsActivation => Operator::of_activation(activation_name(config.get("activation")?)?),
        Computes::Relu if config.get("max_value").is_some_and(is_bound) => Some(Operator::ClippedRelu),
        Computes::Relu => Some(Operator::Relu),
    }
}

/// Whether a largest value cuts anything off.
fn is_bound(max: &Value) -> bool {
    !max.is_null() && json::bare_token(max).is_none()
}

/// The activation fused into a layer, if it has one: it is the last thing that the layer computes, so faults of the operator,
/// measured before the activation, land behind it.
pub fn fused_activation(kind: Kind, config: &Value) -> Option<&str> {
    own_activation(config).filter(|_| kind.class().is_some_and(|class| class.fuses))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::keras::classes::find;

    fn read(class_name: &str, config: Value) -> Option<(&'static str, Option<String>)> {
        let kind = find(class_name).map_or(Kind::Other, Kind::Keras);
        Some((operator(kind, &config)?.name(), fused_activation(kind, &config).map(str::to_owned)))
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
            ("ReLU", json!({"max_value": {"class_name": "__float__", "value": "Infinity"}}), "relu"),
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
