//! The `config.json` of CLASSES' scripts, so that its users need not learn flags first.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use thiserror::Error;

use super::Failure;
use super::near::near;
use crate::error_model::Models;
use crate::input::Input;
use crate::layout::Shape;
use crate::sites::run::{RangeFrom, Request};
use crate::text::{shown, shown_path};

/// What a config file says; what it leaves out is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassesConfig {
    /// The model to read.
    pub model: Option<PathBuf>,
    /// The model to write: a folder, then `new_weights.h5` inside it, or else a file.
    pub new_model: Option<PathBuf>,
    /// How many sites, at least 1.
    pub injection_sites: Option<u64>,
    /// The operator.
    pub layer_type: Option<String>,
    /// The output shape of the layer, from `layer_output_shape_cf` (channels first) and `layer_output_shape_cl` (last).
    pub shape: Option<Shape>,
    /// The folder with the error models.
    pub models_folder: Option<PathBuf>,
    /// The smallest value of the layer's output without faults.
    pub range_min: Option<f32>,
    /// The largest one.
    pub range_max: Option<f32>,
}

/// All that is wrong with a config file, a line each.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{}", .problems.join("\n"))]
pub struct ClassesConfigError {
    /// At least one.
    pub problems: Vec<String>,
}

/// Where CLASSES looks for models if its config does not say.
const MODELS_FOLDER: &str = "models";

const KEYS: [&str; 9] = [
    "model",
    "new_model",
    "injection_sites",
    "layer_type",
    "layer_output_shape_cf",
    "layer_output_shape_cl",
    "models_folder",
    "range_min",
    "range_max",
];

impl ClassesConfig {
    /// Reads a config file of which the tool needs the keys `needed`.
    ///
    /// # Errors
    /// Not a JSON object, a key that is not known, of the wrong kind or needed and missing, or two shapes that differ.
    /// Either shape will do for both.
    pub fn parse(text: &str, needed: &[&str]) -> Result<Self, ClassesConfigError> {
        let object = match serde_json::from_str(text) {
            Ok(Value::Object(object)) => object,
            Ok(_) => return Err(ClassesConfigError { problems: vec!["not a JSON object".to_owned()] }),
            Err(error) => return Err(ClassesConfigError { problems: vec![format!("not JSON: {error}")] }),
        };
        let mut keys = Keys { object: &object, problems: Vec::new() };
        keys.unknown();
        let path = |value: &Value| value.as_str().filter(|path| !path.is_empty()).map(PathBuf::from);
        let float = |value: &Value| value.as_f64().map(|number| number as f32).filter(|number| number.is_finite());
        let count = |value: &Value| value.as_u64().filter(|&count| count > 0);
        let config = ClassesConfig {
            model: keys.get("model", "a path", path),
            new_model: keys.get("new_model", "a path", path),
            injection_sites: keys.get("injection_sites", "a whole number of at least 1", count),
            layer_type: keys.get("layer_type", "the name of an operator", |value| value.as_str().map(str::to_owned)),
            shape: keys.shape(),
            models_folder: keys.get("models_folder", "a path", path),
            range_min: keys.get("range_min", "a float32", float),
            range_max: keys.get("range_max", "a float32", float),
        };
        for key in needed {
            let other = match *key {
                "layer_output_shape_cf" => "layer_output_shape_cl",
                "layer_output_shape_cl" => "layer_output_shape_cf",
                key => key,
            };
            if !object.contains_key(*key) && !object.contains_key(other) {
                keys.problems.push(format!("the key '{key}' is missing"));
            }
        }
        if keys.problems.is_empty() { Ok(config) } else { Err(ClassesConfigError { problems: keys.problems }) }
    }

    /// Reads the file at `path`, as [`parse`](Self::parse) does.
    ///
    /// # Errors
    /// The file cannot be read, or what it says is wrong; its name stands before the reason.
    pub fn read(path: &Path, needed: &[&str]) -> Result<Self, Failure> {
        let input = Input::from_arg(Some(path));
        let text = input.read_text("CLASSES' config.json")?;
        Self::parse(&text, needed).map_err(|error| Failure::in_input(&input, error))
    }

    /// The keys that are needed for what a request does not say yet.
    pub fn missing_in(request: &Request) -> Vec<&'static str> {
        let range = request.single_bit_flip || request.range != RangeFrom::Default;
        [
            (request.count.is_some(), "injection_sites"),
            (request.single_bit_flip || request.operator.is_some(), "layer_type"),
            (request.shape.is_some(), "layer_output_shape_cl"),
            (range, "range_min"),
            (range, "range_max"),
        ]
        .into_iter()
        .filter_map(|(said, key)| (!said).then_some(key))
        .collect()
    }

    /// Fills in what a request does not say yet. What is to be told about it comes back.
    pub fn fill(self, request: &mut Request) -> Option<String> {
        request.count = request.count.or(self.injection_sites);
        request.shape = request.shape.or(self.shape);
        request.operator = request.operator.take().or(self.layer_type);
        if let (RangeFrom::Default, Some(min), Some(max)) = (&request.range, self.range_min, self.range_max) {
            request.range = RangeFrom::Ends(min, max);
        }
        if request.models.is_some() || request.single_bit_flip {
            return None;
        }
        let said = self.models_folder.is_some();
        let folder = self.models_folder.unwrap_or_else(|| PathBuf::from(MODELS_FOLDER));
        let models = Models::folder(&folder);
        // A folder that is named and is there must be good; one that merely happens to be there need not be CLASSES'.
        if folder.is_dir() && (said || models.operators().is_ok()) {
            request.models = Some(models);
            return None;
        }
        Some(format!("{}: no folder of models, they are those built in", shown_path(&folder)))
    }

    /// The file to write.
    pub fn new_model_file(&self) -> Option<PathBuf> {
        let path = self.new_model.as_ref()?;
        // CLASSES takes a folder; one that is still to be made has no ending.
        let folder = path.is_dir() || (!path.exists() && path.extension().is_none());
        Some(if folder { path.join("new_weights.h5") } else { path.clone() })
    }
}

struct Keys<'a> {
    object: &'a Map<String, Value>,
    problems: Vec<String>,
}

impl Keys<'_> {
    fn unknown(&mut self) {
        for key in self.object.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            let hint = match near(key, KEYS).first() {
                Some(key) => format!("did you mean '{key}'?"),
                None => format!("the keys are {}", KEYS.join(", ")),
            };
            self.problems.push(format!("the key '{}' is not known: {hint}", shown(key)));
        }
    }

    fn get<T>(&mut self, key: &str, wanted: &str, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let value = self.object.get(key)?;
        let read = read(value);
        if read.is_none() {
            self.problems.push(format!("'{key}' is {}, not {wanted}", shown(&value.to_string())));
        }
        read
    }

    fn shape(&mut self) -> Option<Shape> {
        let wanted = "a shape like '(None, 27, 27, 16)'";
        let first = self.get("layer_output_shape_cf", wanted, axes);
        let last = self.get("layer_output_shape_cl", wanted, axes);
        let last = match (first, last) {
            (None, last) => last?,
            (Some([c, h, w]), None) => [h, w, c],
            (Some([c, h, w]), Some(last)) if last == [h, w, c] => last,
            (Some(first), Some(last)) => {
                let [c, h, w] = last;
                let hint = if first == [h, w, c] { "; one stands under the other's name" } else { "" };
                self.problems.push(format!(
                    "'layer_output_shape_cf' (C, H, W) is {first:?} and 'layer_output_shape_cl' (H, W, C) is \
                     {last:?}: they do not agree{hint}"
                ));
                return None;
            }
        };
        let [h, w, c] = last;
        Shape::new(h, w, c).map_err(|error| self.problems.push(format!("layer_output_shape: {error}"))).ok()
    }
}

/// The axes after the batch axis of `"(None, 27, 27, 16)"`, or of the list that it would be in JSON.
fn axes(value: &Value) -> Option<[usize; 3]> {
    let axes = match value {
        // As JSON, a tuple of Python is a list.
        Value::String(text) => {
            let list = text.replace('(', "[").replace(')', "]").replace("None", "null");
            serde_json::from_str(&list).ok()?
        }
        value => value.clone(),
    };
    let axes: Vec<Option<usize>> = axes.as_array()?.iter().map(|axis| axis.to_string().parse().ok()).collect();
    match axes.as_slice() {
        &[_, Some(first), Some(second), Some(third)] => Some([first, second, third]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = r#"{
        "model": "lenet.h5", "new_model": "out", "injection_sites": 100, "layer_type": "conv_gemm",
        "layer_output_shape_cf": "(None, 16, 27, 28)", "layer_output_shape_cl": "(None, 27, 28, 16)",
        "models_folder": "models", "range_min": -30, "range_max": 30.5
    }"#;

    fn problems(text: &str, needed: &[&str]) -> Vec<String> {
        ClassesConfig::parse(text, needed).unwrap_err().problems
    }

    #[test]
    fn all_keys_are_read() {
        let config = ClassesConfig::parse(ALL, &KEYS).unwrap();
        assert_eq!(config.model, Some("lenet.h5".into()));
        assert_eq!(config.injection_sites, Some(100));
        assert_eq!(config.layer_type.as_deref(), Some("conv_gemm"));
        assert_eq!(config.shape, Some(Shape::new(27, 28, 16).unwrap()));
        assert_eq!(config.models_folder, Some("models".into()));
        assert_eq!((config.range_min, config.range_max), (Some(-30.0), Some(30.5)));
    }

    #[test]
    fn one_shape_will_do() {
        let shape = |text| ClassesConfig::parse(text, &["layer_output_shape_cf"]).unwrap().shape.unwrap().to_string();
        assert_eq!(shape(r#"{"layer_output_shape_cf": "(None, 16, 27, 28)"}"#), "27x28x16");
        assert_eq!(shape(r#"{"layer_output_shape_cl": "(None, 27, 28, 16)"}"#), "27x28x16");
        assert_eq!(shape(r#"{"layer_output_shape_cl": [null, 27, 28, 16]}"#), "27x28x16");
    }

    #[test]
    fn a_new_model_is_a_file_or_in_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = |new_model: PathBuf| ClassesConfig { new_model: Some(new_model), ..Default::default() };
        assert_eq!(file(folder.path().into()).new_model_file(), Some(folder.path().join("new_weights.h5")));
        assert_eq!(file("out".into()).new_model_file(), Some("out/new_weights.h5".into()));
        assert_eq!(file("faulty.h5".into()).new_model_file(), Some("faulty.h5".into()));
        assert_eq!(ClassesConfig::default().new_model_file(), None);
    }

    #[test]
    fn every_bad_key_is_named() {
        assert_eq!(problems("[]", &[]), ["not a JSON object"]);
        assert_eq!(problems("{", &[]), ["not JSON: EOF while parsing an object at line 1 column 1"]);
        assert_eq!(
            problems(
                r#"{"modell": "a", "injection_sites": 0, "layer_type": 3, "range_min": "NaN", "range_max": 1e39, "model": ""}"#,
                &["model", "new_model", "layer_output_shape_cl"],
            ),
            [
                "the key 'modell' is not known: did you mean 'model'?",
                "'model' is \"\", not a path",
                "'injection_sites' is 0, not a whole number of at least 1",
                "'layer_type' is 3, not the name of an operator",
                "'range_min' is \"NaN\", not a float32",
                "'range_max' is 1e+39, not a float32",
                "the key 'new_model' is missing",
                "the key 'layer_output_shape_cl' is missing",
            ]
        );
    }

    #[test]
    fn shapes_that_are_none_or_differ_are_refused() {
        let wanted = "not a shape like '(None, 27, 27, 16)'";
        for shape in ["(27, 27, 16)", "(None, 27, 27, None)", "__import__('os')", "(None, -1, 2, 3)", "27,27,16"] {
            let text = format!(r#"{{"layer_output_shape_cl": "{shape}"}}"#);
            assert_eq!(problems(&text, &[]), [format!("'layer_output_shape_cl' is \"{shape}\", {wanted}")]);
        }
        assert_eq!(
            problems(r#"{"layer_output_shape_cl": "(None, 0, 2, 3)"}"#, &[]),
            ["layer_output_shape: 0x2x3 is not a shape: an axis of no cells"]
        );
        let swapped =
            r#"{"layer_output_shape_cf": "(None, 27, 28, 16)", "layer_output_shape_cl": "(None, 16, 27, 28)"}"#;
        assert_eq!(
            problems(swapped, &[]),
            [
                "'layer_output_shape_cf' (C, H, W) is [27, 28, 16] and 'layer_output_shape_cl' (H, W, C) is [16, 27, 28]: \
              they do not agree; one stands under the other's name"
            ]
        );
    }
}
