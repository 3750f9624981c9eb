//! What each of Keras' optimizers keeps of the variables that train: slots, made in walks over the variables.

use serde_json::Value;

use crate::keras::version::Keras;

/// What an optimizer keeps of one variable in one walk, in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    /// So many slots of its shape.
    Alike(usize),
    /// Adafactor: means over its last axis and over the one before, where it has both, and a velocity.
    Factored {
        /// Where it has not both, there are numbers in place of the means.
        has_placeholders: bool,
    },
    /// Muon: a momentum, and a velocity where the optimizer falls back to Adam. For which matrices it does has changed with the versions,
    /// and depends on names that an archive has not.
    Orthogonalized,
}

use Row::{Alike, Factored, Orthogonalized};

impl Row {
    /// How many slots it has, where that is the same for every variable.
    pub fn length(self) -> Option<usize> {
        match self {
            Alike(count) => Some(count),
            Factored { .. } | Orthogonalized => None,
        }
    }

    /// How many of the slots that begin here can be those of one variable. The last of them has its shape.
    pub fn lengths(self, slots: &[(String, Vec<usize>)]) -> Vec<usize> {
        let shape = |at: usize| slots.get(at).map(|(_, shape)| shape.as_slice());
        let are_alike = |count: usize| (0..count).all(|at| shape(at).is_some() && shape(at) == shape(0));
        match self {
            Alike(count) => Vec::from_iter(are_alike(count).then_some(count)),
            Factored { has_placeholders } => {
                let count = if has_placeholders { 3 } else { 1 };
                let is_vector = shape(count - 1).is_some_and(|shape| shape.len() < 2)
                    && (0..count - 1).all(|at| shape(at).is_some_and(<[usize]>::is_empty));
                let is_factored = matches!(shape(2), Some([before @ .., rows, columns])
                    if shape(0) == Some(&[before, &[*rows]].concat()) && shape(1) == Some(&[before, &[*columns]].concat()));
                [is_vector.then_some(count), is_factored.then_some(3)].into_iter().flatten().collect()
            }
            Orthogonalized => {
                let is_matrix = shape(0).is_some_and(|shape| shape.len() >= 2);
                [is_matrix.then_some(1), are_alike(2).then_some(2)].into_iter().flatten().collect()
            }
        }
    }
}

/// The walks of an optimizer, as a config has it. `None`: they are not known.
pub(super) fn walks(optimizer: &Value, keras: Keras) -> Option<Vec<Row>> {
    // Keras 2 keeps the short name by which it was compiled: all settings are those by default.
    let short = optimizer.as_str();
    let class = short.or_else(|| optimizer.get("class_name")?.as_str())?;
    let config = if short.is_some() { &Value::Null } else { optimizer.get("config")? };
    let is_set = |key: &str| config.get(key).is_some_and(|value| value.as_bool() == Some(true));
    let is_positive = |key: &str| config.get(key).and_then(Value::as_f64).is_some_and(|value| value > 0.0);
    let class = class.rsplit('>').next().unwrap_or(class).to_lowercase();
    if ["lossscaleoptimizer", "lossscaleoptimizerv3"].contains(&class.as_str()) {
        return walks(config.get("inner_optimizer")?, keras);
    }
    let is_foreign = optimizer.get("registered_name").and_then(Value::as_str).is_some_and(|name| name.contains('>'));
    if is_foreign {
        return None;
    }
    let mut walks = Vec::new();
    walks.extend(is_set("use_ema").then_some(Alike(1)));
    walks.extend(is_positive("gradient_accumulation_steps").then_some(Alike(1)));
    match class.as_str() {
        "adam" | "adamw" => {
            walks.push(Alike(2));
            walks.extend(is_set("amsgrad").then_some(Alike(1)));
        }
        "adadelta" | "adamax" | "ftrl" | "lamb" | "nadam" | "schedulefreeadamw" => walks.push(Alike(2)),
        "adagrad" | "lion" => walks.push(Alike(1)),
        "rmsprop" => {
            walks.push(Alike(1));
            walks.extend(is_positive("momentum").then_some(Alike(1)));
            walks.extend(is_set("centered").then_some(Alike(1)));
        }
        "sgd" => walks.extend((keras.keeps_zero_momentum() || is_positive("momentum")).then_some(Alike(1))),
        "adafactor" => walks.push(Factored { has_placeholders: keras.tracks_all_variables() }),
        "muon" => walks.push(Orthogonalized),
        _ => return None,
    }
    Some(walks)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_optimizer_makes_its_slots_in_walks() {
        let of = |class: &str, config: Value, keras: Keras| {
            walks(&json!({"class_name": class, "config": config, "registered_name": class}), keras)
        };
        for (class, config, expected) in [
            ("Adam", json!({"amsgrad": false}), [Some(vec![Alike(2)]), Some(vec![Alike(2)])]),
            (
                "Adam",
                json!({"amsgrad": true, "use_ema": true}),
                [Some(vec![Alike(1), Alike(2), Alike(1)]), Some(vec![Alike(1), Alike(2), Alike(1)])],
            ),
            ("SGD", json!({"momentum": 0.0}), [Some(vec![Alike(1)]), Some(vec![])]),
            ("RMSprop", json!({"momentum": 0.9, "centered": true}), [Some(vec![Alike(1); 3]), Some(vec![Alike(1); 3])]),
            ("Adafactor", json!({}), [false, true].map(|has_placeholders| Some(vec![Factored { has_placeholders }]))),
            (
                "Muon",
                json!({"use_ema": true}),
                [Some(vec![Alike(1), Orthogonalized]), Some(vec![Alike(1), Orthogonalized])],
            ),
            ("Mine", json!({}), [None, None]),
        ] {
            assert_eq!(Keras::ALL.map(|keras| of(class, config.clone(), keras)), expected, "{class} {config}");
        }
        assert_eq!(walks(&json!("rmsprop"), Keras::Two), Some(vec![Alike(1)]));
        let scaled = json!({"inner_optimizer": {"class_name": "Lion", "config": {}}});
        assert_eq!(of("LossScaleOptimizer", scaled, Keras::Three), Some(vec![Alike(1)]));
    }
}
