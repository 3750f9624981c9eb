//! Reads the parameters of a set out of a model file, and notes all that is wrong with them.

use serde_json::{Map, Value};

use super::choice::{Choice, Pair, Percent};

/// What is wrong in a model file, and where (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it is, as a JSON Pointer.
    pub pointer: String,
    /// What is wrong there.
    pub reason: String,
}

/// One parameter set: its `keys` and `stats`, which are read as one.
pub struct Fields<'a> {
    /// The parameters that differ from set to set.
    pub keys: &'a Map<String, Value>,
    /// The parameters that were measured over all sets.
    pub stats: &'a Map<String, Value>,
    /// Where the set stands in the file.
    pub pointer: &'a str,
    /// What has been found wrong so far.
    pub problems: &'a mut Vec<Problem>,
}

/// A parameter's place in the file and its values; fixed where no choice is drawn.
struct Found<T> {
    place: usize,
    fixed: bool,
    choice: Choice<T>,
}

impl Fields<'_> {
    /// A whole number of at least `least`, or a choice of such.
    pub fn count(&mut self, name: &str, least: u32) -> Option<Choice<u32>> {
        self.find_count(name, least).map(|found| found.choice)
    }

    /// A range in percent, or a choice of such.
    pub fn percent(&mut self, name: &str) -> Option<Choice<Percent>> {
        self.find(name, "a range [from, to] with 0 <= from <= to <= 100", percent).map(|found| found.choice)
    }

    /// Two whole numbers of at least 1, or choices of such, that bound something.
    pub fn pair(&mut self, min_name: &str, max_name: &str) -> Option<Pair> {
        let min = self.find_count(min_name, 1);
        let max = self.find_count(max_name, 1);
        let (min, max) = (min?, max?);
        if min.fixed && max.fixed && min.choice.values().gt(max.choice.values()) {
            self.problem(min.place, min_name, format!("{min_name} is more than {max_name}"));
            return None;
        }
        let min_first = if min.fixed == max.fixed { min.place < max.place } else { min.fixed };
        Some(Pair { min: min.choice, max: max.choice, min_first })
    }

    fn find_count(&mut self, name: &str, least: u32) -> Option<Found<u32>> {
        let wanted = format!("a whole number of at least {least}");
        self.find(name, &wanted, |value| count(value).filter(|&count| count >= least))
    }

    fn find<T: Copy>(&mut self, name: &str, wanted: &str, read: impl Fn(&Value) -> Option<T>) -> Option<Found<T>> {
        let named = self.keys.iter().chain(self.stats).enumerate().find(|(_, (key, _))| *key == name);
        let Some((place, (_, value))) = named else {
            let reason = format!("the parameter {name} is missing");
            self.problems.push(Problem { pointer: self.pointer.to_owned(), reason });
            return None;
        };
        let Some(choices) = value.as_object() else {
            let choice = read(value).map(|one| Choice::new([one])).unwrap_or_default();
            return self.or_problem(choice, place, name, wanted).map(|choice| Found { place, fixed: true, choice });
        };
        let values = match choices.get("RANDOM") {
            Some(Value::Array(values)) if choices.len() == 1 => values,
            _ => {
                self.problem(place, name, format!("neither {wanted} nor {{\"RANDOM\": [choices]}}"));
                return None;
            }
        };
        if values.is_empty() {
            self.problem(place, name, "the choices are empty".to_owned());
            return None;
        }
        let choice = values.iter().map(read).collect::<Option<Vec<T>>>().and_then(Choice::new);
        self.or_problem(choice, place, name, wanted).map(|choice| Found { place, fixed: false, choice })
    }

    fn or_problem<T>(&mut self, found: Option<T>, place: usize, name: &str, wanted: &str) -> Option<T> {
        if found.is_none() {
            self.problem(place, name, format!("not {wanted}"));
        }
        found
    }

    fn problem(&mut self, place: usize, name: &str, reason: String) {
        let part = if place < self.keys.len() { "keys" } else { "stats" };
        self.problems.push(Problem { pointer: format!("{}/{part}/{name}", self.pointer), reason });
    }
}

/// A whole number; `4.0` is one.
fn count(value: &Value) -> Option<u32> {
    let number = value.as_f64()?;
    (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number)).then_some(number as u32)
}

fn percent(value: &Value) -> Option<Percent> {
    match value.as_array()?.as_slice() {
        [from, to] => Percent::new(from.as_f64()?, to.as_f64()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read<T>(keys: Value, stats: Value, read: impl Fn(&mut Fields) -> T) -> (T, Vec<String>) {
        let mut problems = Vec::new();
        let fields = &mut Fields {
            keys: keys.as_object().unwrap(),
            stats: stats.as_object().unwrap(),
            pointer: "/set",
            problems: &mut problems,
        };
        let result = read(fields);
        (result, problems.into_iter().map(|p| format!("{}: {}", p.pointer, p.reason)).collect())
    }

    #[test]
    fn numbers_ranges_and_choices_are_read_from_keys_and_stats() {
        let keys = json!({"a": 4.0, "p": [0, 12.5]});
        let stats = json!({"b": {"RANDOM": [3, 1]}, "q": {"RANDOM": [[0, 1], [2, 3]]}});
        let (_, problems) = read(keys, stats, |fields| {
            assert_eq!(fields.count("a", 1).unwrap().values().collect::<Vec<_>>(), [4]);
            assert_eq!(fields.count("b", 1).unwrap().values().collect::<Vec<_>>(), [3, 1]);
            assert_eq!(fields.percent("p").unwrap().values().next(), Percent::new(0.0, 12.5));
            assert_eq!(fields.percent("q").unwrap().count(), 2);
        });
        assert!(problems.is_empty());
    }

    #[test]
    fn each_bad_parameter_says_where_and_why() {
        let number = "not a whole number of at least 1";
        let range = "not a range [from, to] with 0 <= from <= to <= 100";
        for (value, reason) in [
            (json!(0), number),
            (json!(-3), number),
            (json!(1.5), number),
            (json!(4294967296u64), number),
            (json!("4"), number),
            (json!(null), number),
            (json!({"RANDOM": []}), "the choices are empty"),
            (json!({"RANDOM": [1, 0]}), number),
            (json!({"RANDOM": 1}), "neither a whole number of at least 1 nor {\"RANDOM\": [choices]}"),
            (json!({"random": [1]}), "neither a whole number of at least 1 nor {\"RANDOM\": [choices]}"),
        ] {
            let (found, problems) = read(json!({}), json!({"a": value}), |fields| fields.count("a", 1));
            assert_eq!(found, None);
            assert_eq!(problems, [format!("/set/stats/a: {reason}")], "{value}");
        }
        for value in [json!(5), json!([5]), json!([5, 4]), json!([-1, 4]), json!([0, 101]), json!([0, "1"])] {
            let (found, problems) = read(json!({"p": value}), json!({}), |fields| fields.percent("p"));
            assert_eq!(found, None);
            assert_eq!(problems, [format!("/set/keys/p: {range}")], "{value}");
        }
        let (_, problems) = read(json!({}), json!({}), |fields| fields.percent("p"));
        assert_eq!(problems, ["/set: the parameter p is missing"]);
    }

    #[test]
    fn a_fixed_bound_counts_before_a_drawn_one_and_else_the_file_order() {
        let random = json!({"RANDOM": [1, 2]});
        for (keys, stats, min_first) in [
            (json!({"min": 1}), json!({"max": random}), true),
            (json!({"max": random}), json!({"min": 1}), true),
            (json!({"max": 1}), json!({"min": random}), false),
            (json!({"min": random}), json!({"max": 1}), false),
            (json!({"min": random, "max": random}), json!({}), true),
            (json!({"min": random}), json!({"max": random}), true),
            (json!({}), json!({"max": random, "min": random}), false),
        ] {
            let (pair, _) = read(keys.clone(), stats, |fields| fields.pair("min", "max").unwrap());
            assert_eq!(pair.min_first, min_first, "{keys}");
        }
        let (pair, problems) = read(json!({"min": 3, "max": 2}), json!({}), |fields| fields.pair("min", "max"));
        assert_eq!(pair, None);
        assert_eq!(problems, ["/set/keys/min: min is more than max"]);
    }
}
