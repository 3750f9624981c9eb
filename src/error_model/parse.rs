//! Reads the JSON of a model, noting every problem on the way.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::{Class, Outcomes};
use crate::pattern::{Fields, Pattern, Problem, SpatialClass};
use crate::value::{Mix, ValueClass};
use crate::weighted::Weighted;

/// Names that may stand beside the parts of a class, a mix or a parameter set, and mean nothing here but a weight.
const STATISTICS: [&str; 4] = ["frequency", "count", "categories_count", "overall_frequency"];

type Object = Map<String, Value>;

/// What a file says: the classes of a model, and its remarks `_source` and `_outcomes`.
pub(super) struct Parsed {
    pub classes: Weighted<Class>,
    pub source: Option<String>,
    pub outcomes: Option<Outcomes>,
    pub tensors: Option<u64>,
}

/// Reads a model.
pub(super) fn model(bytes: &[u8]) -> Result<Parsed, Vec<Problem>> {
    let mut reader = Reader { problems: Vec::new() };
    let root: Value = match serde_json::from_slice(bytes) {
        Ok(root) => root,
        Err(error) => return Err(vec![Problem { pointer: String::new(), reason: format!("not JSON: {error}") }]),
    };
    let classes = reader.classes(&root);
    let source = root.get("_source").and_then(|source| match source {
        Value::Array(parts) => parts.first()?.as_str(),
        text => text.as_str(),
    });
    match classes {
        Some(classes) if reader.problems.is_empty() => {
            let source = source.map(str::to_owned);
            Ok(Parsed { classes, source, outcomes: outcomes(&root), tensors: tensors(&root) })
        }
        _ => Err(reader.problems),
    }
}

/// The sum of the classes' counts, `None` unless each has one.
fn tensors(root: &Value) -> Option<u64> {
    let mut classes = root.as_object()?.iter().filter(|(name, value)| !name.starts_with('_') && value.is_object());
    let counts = classes.try_fold(0u64, |sum, (_, class)| sum.checked_add(class.get("count")?.as_u64()?))?;
    (counts > 0).then_some(counts)
}

/// What injected faults led to, as counts in the remark; `None` where it is not there, or something else.
fn outcomes(root: &Value) -> Option<Outcomes> {
    let counts = root.get("_outcomes")?;
    let count = |name: &str| counts.get(name)?.as_u64().map(|count| count as f64);
    let (masked, sdc, crashed) = (count("masked")?, count("sdc")?, count("crashed")?);
    let all = masked + sdc + crashed;
    (all > 0.0).then(|| Outcomes { masked: masked / all, sdc: sdc / all, crashed: crashed / all })
}

struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    fn problem<T>(&mut self, pointer: impl Into<String>, reason: impl Into<String>) -> Option<T> {
        self.problems.push(Problem { pointer: pointer.into(), reason: reason.into() });
        None
    }

    fn classes(&mut self, root: &Value) -> Option<Weighted<Class>> {
        let Some(root) = root.as_object() else {
            return self.problem("", "not a JSON object of spatial classes");
        };
        let mut classes = Vec::new();
        let mut named = 0;
        for (name, value) in root.iter().filter(|(name, _)| !name.starts_with('_')) {
            // What CLASSES publishes beside the classes.
            if STATISTICS.contains(&name.as_str()) && !value.is_object() {
                continue;
            }
            named += 1;
            let pointer = format!("/{}", escaped(name));
            match SpatialClass::from_str(name) {
                Ok(class) => classes.extend(self.class(class, value, &pointer)),
                Err(error) => {
                    self.problem::<()>(pointer, error.to_string());
                }
            }
        }
        if named == 0 {
            return self.problem("", "no spatial class");
        }
        self.weighted(classes, "")
    }

    fn class(&mut self, class: SpatialClass, value: &Value, pointer: &str) -> Option<(f64, Class)> {
        let object = self.object(value, pointer)?;
        let weight = self.weight(object, "frequency", pointer);
        let mixes = self.list(object, "domain_classes", pointer, Self::mix);
        let patterns =
            self.list(object, "parameters", pointer, |reader, value, pointer| reader.pattern(class, value, pointer));
        Some((weight?, Class { class, mixes: mixes?, patterns: patterns? }))
    }

    fn mix(&mut self, value: &Value, pointer: &str) -> Option<(f64, Mix)> {
        let object = self.object(value, pointer)?;
        let weight = self.weight(object, "frequency", pointer);
        let mut named = Vec::new();
        let mut random = false;
        let before = self.problems.len();
        for (name, value) in object {
            let at = format!("{pointer}/{}", escaped(name));
            match name.as_str() {
                "values" => {}
                "random" => random = true,
                name if name.starts_with('_') || STATISTICS.contains(&name) => {}
                name => match ValueClass::from_str(name) {
                    Ok(class) => named.extend(self.percents(value, &at).map(|percents| (class, percents))),
                    Err(error) => {
                        self.problem::<()>(at, error.to_string());
                    }
                },
            }
        }
        let mix = match named.as_slice() {
            _ if random => Mix::Each(self.values(object, pointer)?),
            _ if self.problems.len() > before => return None,
            [] => return self.problem(pointer, "no value class"),
            [(class, _)] => Mix::One(*class),
            [first, second] => Mix::two(*first, *second),
            _ => return self.problem(pointer, "three or more value classes without \"random\""),
        };
        Some((weight?, mix))
    }

    fn percents(&mut self, value: &Value, pointer: &str) -> Option<[f64; 2]> {
        let percents = match value.as_array().map(Vec::as_slice) {
            Some([from, to]) => from.as_f64().zip(to.as_f64()),
            _ => None,
        };
        match percents {
            Some((from, to)) if 0.0 <= from && from <= to && to <= 100.0 => Some([from, to]),
            _ => self.problem(pointer, "not a range [from, to] with 0 <= from <= to <= 100"),
        }
    }

    fn values(&mut self, object: &Object, pointer: &str) -> Option<Weighted<ValueClass>> {
        let Some(values) = object.get("values") else {
            return self.problem(pointer, "\"values\" is missing, the weights of \"random\"");
        };
        let pointer = format!("{pointer}/values");
        let mut weights = Vec::new();
        for (name, value) in self.object(values, &pointer)? {
            let at = format!("{pointer}/{}", escaped(name));
            match ValueClass::from_str(name) {
                Ok(class) => weights.extend(self.number(value, &at).map(|weight| (weight, class))),
                Err(error) => {
                    self.problem::<()>(at, error.to_string());
                }
            }
        }
        self.weighted(weights, &pointer)
    }

    fn pattern(&mut self, class: SpatialClass, value: &Value, pointer: &str) -> Option<(f64, Pattern)> {
        let object = self.object(value, pointer)?;
        let weight = self.weight(object, "conditional_frequency", pointer);
        let none = Object::new();
        let mut part = |name| match object.get(name) {
            Some(value) => self.object(value, &format!("{pointer}/{name}")),
            None => Some(&none),
        };
        let (keys, stats) = (part("keys"), part("stats"));
        let problems = &mut self.problems;
        let pattern = Pattern::new(class, &mut Fields { keys: keys?, stats: stats?, pointer, problems });
        Some((weight?, pattern?))
    }

    /// A list whose entries have weights.
    fn list<T>(
        &mut self,
        object: &Object,
        name: &str,
        pointer: &str,
        mut read: impl FnMut(&mut Self, &Value, &str) -> Option<(f64, T)>,
    ) -> Option<Weighted<T>> {
        let entries = match object.get(name) {
            Some(Value::Array(entries)) => entries,
            Some(_) => return self.problem(format!("{pointer}/{name}"), "not a list"),
            None => return self.problem(pointer, format!("\"{name}\" is missing")),
        };
        let pointer = format!("{pointer}/{name}");
        if entries.is_empty() {
            return self.problem(pointer, "the list is empty");
        }
        let read: Vec<_> =
            entries.iter().enumerate().filter_map(|(i, entry)| read(self, entry, &format!("{pointer}/{i}"))).collect();
        self.weighted(read, &pointer)
    }

    /// Where entries are missing, a problem is already noted.
    fn weighted<T>(&mut self, entries: Vec<(f64, T)>, pointer: &str) -> Option<Weighted<T>> {
        if entries.is_empty() && !self.problems.is_empty() {
            return None;
        }
        match Weighted::new(entries) {
            None => self.problem(pointer, "no weight above 0"),
            some => some,
        }
    }

    fn weight(&mut self, object: &Object, name: &str, pointer: &str) -> Option<f64> {
        match object.get_key_value(name).or_else(|| object.get_key_value("count")) {
            Some((name, value)) => self.number(value, &format!("{pointer}/{name}")),
            None => self.problem(pointer, format!("the weight is missing: neither \"{name}\" nor \"count\"")),
        }
    }

    fn number(&mut self, value: &Value, pointer: &str) -> Option<f64> {
        match value.as_f64().filter(|weight| weight.is_finite() && *weight >= 0.0) {
            None => self.problem(pointer, "not a weight: a number of at least 0"),
            some => some,
        }
    }

    fn object<'a>(&mut self, value: &'a Value, pointer: &str) -> Option<&'a Object> {
        match value.as_object() {
            None => self.problem(pointer, "not a JSON object"),
            some => some,
        }
    }
}

/// A name as a JSON Pointer holds it.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests;
