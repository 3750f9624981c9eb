//! A variable that a class of Keras declares: what it is called, whether it trains, and when a layer has it.

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
pub(super) enum When {
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
    pub(super) const fn when(mut self, when: &'static [When]) -> Self {
        self.when = when;
        self
    }

    /// Whether a layer with this config has it.
    pub fn is_in(&self, config: &Value) -> bool {
        self.when.iter().all(|when| when.is_so(config))
    }
}

impl When {
    /// Whether a config is so.
    pub(super) fn is_so(self, config: &Value) -> bool {
        let flag = |key: &str| config.get(key).and_then(Value::as_bool);
        let is_given = |key: &str| config.get(key).is_some_and(|value| !value.is_null());
        let text = |key: &str| config.get(key).and_then(Value::as_str);
        match self {
            When::Unless(key) => flag(key) != Some(false),
            When::If(key) => flag(key) == Some(true),
            When::IfNot(key) => flag(key) != Some(true),
            When::IsFalse(key) => flag(key) == Some(false),
            When::Given(key) => is_given(key),
            When::NotGiven(key) => !is_given(key),
            When::Is(key, value) => text(key) == Some(value),
            When::IsNot(key, value) => text(key) != Some(value),
        }
    }
}

/// One that trains.
pub(super) const fn trained(names: &'static [&'static str]) -> Variable {
    Variable { names, trains: true, when: &[] }
}

/// One that never trains.
pub(super) const fn kept(names: &'static [&'static str]) -> Variable {
    Variable { names, trains: false, when: &[] }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::keras::classes::find;

    #[test]
    fn settings_decide_what_a_layer_has() {
        let has = |class: &str, config: Value| -> Vec<&str> {
            let variables = find(class).expect("a class").variables;
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
