//! The variables that each class of Keras holds, and which of them never train.
//!
//! Read off the layers of Keras 3.3 to 3.15 and of tf_keras.

use serde_json::Value;

/// A variable that a class declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// The last part of its name; Keras 2 and 3 may differ.
    pub names: &'static [&'static str],
    /// Whether training may change it. Where it is false, no setting makes it train.
    pub trains: bool,
    when: &'static [When],
}

/// When a layer has the variable, by its config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// The key is true, or not there.
    Unless(&'static str),
    /// The key is true.
    If(&'static str),
    /// The key is false, or not there.
    IfNot(&'static str),
    /// The key is false.
    IsFalse(&'static str),
    /// The key has a value.
    Given(&'static str),
    /// The key has no value.
    NotGiven(&'static str),
    /// The key has this text.
    Is(&'static str, &'static str),
    /// The key has no such text.
    IsNot(&'static str, &'static str),
}

impl Variable {
    const fn when(mut self, when: &'static [When]) -> Self {
        self.when = when;
        self
    }

    /// Whether a layer with this config has it.
    pub fn is_in(&self, config: &Value) -> bool {
        let flag = |key: &str| config.get(key).and_then(Value::as_bool);
        let is_given = |key: &str| config.get(key).is_some_and(|value| !value.is_null());
        let text = |key: &str| config.get(key).and_then(Value::as_str);
        self.when.iter().all(|when| match *when {
            When::Unless(key) => flag(key) != Some(false),
            When::If(key) => flag(key) == Some(true),
            When::IfNot(key) => flag(key) != Some(true),
            When::IsFalse(key) => flag(key) == Some(false),
            When::Given(key) => is_given(key),
            When::NotGiven(key) => !is_given(key),
            When::Is(key, value) => text(key) == Some(value),
            When::IsNot(key, value) => text(key) != Some(value),
        })
    }
}

/// One that trains.
const fn trained(names: &'static [&'static str]) -> Variable {
    Variable { names, trains: true, when: &[] }
}

/// One that never trains.
const fn kept(names: &'static [&'static str]) -> Variable {
    Variable { names, trains: false, when: &[] }
}

const KERNEL: Variable = trained(&["kernel"]);
const BIAS: Variable = trained(&["bias"]).when(&[When::Unless("use_bias")]);
const KERNEL_AND_BIAS: &[Variable] = &[KERNEL, BIAS];
const DEPTHWISE: &[Variable] = &[trained(&["depthwise_kernel", "kernel"]), BIAS];
const SEPARABLE: &[Variable] = &[trained(&["depthwise_kernel"]), trained(&["pointwise_kernel"]), BIAS];
const CELL: &[Variable] = &[KERNEL, trained(&["recurrent_kernel"]), BIAS];
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
const SCALED_SCORE: Variable = trained(&["scale"]).when(&[When::If("use_scale")]);
const NOT_GIVEN: &[When] = &[When::NotGiven("mean")];

/// The variables of a class that holds some itself, in the order in which it makes them. `None`: another class.
pub fn of_class(class: &str) -> Option<&'static [Variable]> {
    let at = CLASSES.binary_search_by_key(&class, |(class, _)| class).ok()?;
    Some(CLASSES[at].1)
}

/// Every class of Keras that holds variables itself, by name.
const CLASSES: &[(&str, &[Variable])] = &[
    ("AdditiveAttention", &[trained(&["scale"]).when(&[When::Unless("use_scale")])]),
    ("Attention", &[SCALED_SCORE, trained(&["concat_score_weight"]).when(&[When::Is("score_mode", "concat")])]),
    ("BatchNormalization", BATCH_NORMALIZATION),
    ("BatchNormalizationV1", BATCH_NORMALIZATION),
    ("BatchNormalizationV2", BATCH_NORMALIZATION),
    ("Conv1D", KERNEL_AND_BIAS),
    ("Conv1DTranspose", KERNEL_AND_BIAS),
    ("Conv2D", KERNEL_AND_BIAS),
    ("Conv2DTranspose", KERNEL_AND_BIAS),
    ("Conv3D", KERNEL_AND_BIAS),
    ("Conv3DTranspose", KERNEL_AND_BIAS),
    ("CuDNNGRU", CELL),
    ("CuDNNLSTM", CELL),
    ("Dense", KERNEL_AND_BIAS),
    ("DepthwiseConv1D", DEPTHWISE),
    ("DepthwiseConv2D", DEPTHWISE),
    ("EinsumDense", &[KERNEL, trained(&["bias"]).when(&[When::Given("bias_axes")])]),
    ("Embedding", &[trained(&["embeddings"])]),
    ("GRU", CELL),
    ("GRUCell", CELL),
    ("GroupNormalization", &[GAMMA, BETA]),
    ("LSTM", CELL),
    ("LSTMCell", CELL),
    ("LayerNormalization", &[GAMMA, trained(&["beta"]).when(&[When::Unless("center"), When::IfNot("rms_scaling")])]),
    ("LocallyConnected1D", KERNEL_AND_BIAS),
    ("LocallyConnected2D", KERNEL_AND_BIAS),
    (
        "Normalization",
        &[kept(&["mean"]).when(NOT_GIVEN), kept(&["variance"]).when(NOT_GIVEN), kept(&["count"]).when(NOT_GIVEN)],
    ),
    ("PReLU", &[trained(&["alpha"])]),
    ("RMSNormalization", &[trained(&["scale"])]),
    (
        "ReversibleEmbedding",
        &[trained(&["embeddings"]), trained(&["reverse_embeddings"]).when(&[When::IsFalse("tie_weights")])],
    ),
    (
        "STFTSpectrogram",
        &[
            trained(&["real_kernel"]).when(&[When::IsNot("mode", "imag")]),
            trained(&["imag_kernel"]).when(&[When::IsNot("mode", "real")]),
        ],
    ),
    ("SeparableConv1D", SEPARABLE),
    ("SeparableConv2D", SEPARABLE),
    ("SimpleRNN", CELL),
    ("SimpleRNNCell", CELL),
    ("SyncBatchNormalization", BATCH_NORMALIZATION),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_classes_can_be_searched() {
        assert!(CLASSES.is_sorted_by_key(|(class, _)| class));
    }

    #[test]
    fn settings_decide_what_a_layer_has() {
        let has = |class: &str, config: Value| -> Vec<&str> {
            let variables = of_class(class).expect("a class with variables");
            variables.iter().filter(|variable| variable.is_in(&config)).map(|variable| variable.names[0]).collect()
        };
        assert_eq!(has("Conv2D", json!({})), ["kernel", "bias"]);
        assert_eq!(has("Conv2D", json!({"use_bias": false})), ["kernel"]);
        assert_eq!(has("BatchNormalization", json!({"scale": false})), ["beta", "moving_mean", "moving_variance"]);
        assert_eq!(has("BatchNormalization", json!({"renorm": true})).len(), 7);
        assert_eq!(has("Normalization", json!({"mean": null})), ["mean", "variance", "count"]);
        assert_eq!(has("Normalization", json!({"mean": [0.1]})), [""; 0]);
        assert_eq!(has("LayerNormalization", json!({"rms_scaling": true})), ["gamma"]);
        assert_eq!(has("ReversibleEmbedding", json!({"tie_weights": false})), ["embeddings", "reverse_embeddings"]);
    }
}
