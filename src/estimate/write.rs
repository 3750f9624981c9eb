//! A fitted model as the published format has it.

use std::io::{self, Write};

use serde_json::json;

use super::model::{Fitted, FittedClass, FittedMix, FittedRow, MixValues, Outcomes, Parameter};

/// What a model says beside its figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Remarks {
    /// Where the figures come from.
    pub source: Option<String>,
    /// What computed the tensors.
    pub operator: Option<String>,
    /// What injected faults led to.
    pub outcomes: Option<Outcomes>,
}

impl Fitted {
    /// Writes the model.
    ///
    /// # Errors
    /// `out` refuses.
    pub fn write(&self, remarks: &Remarks, out: &mut impl Write) -> io::Result<()> {
        out.write_all(b"{\n")?;
        for (name, text) in [("_source", &remarks.source), ("_operator", &remarks.operator)] {
            if let Some(text) = text {
                writeln!(out, "  \"{name}\": {},", json!(text))?;
            }
        }
        if let Some(Outcomes { masked, sdc, crashed }) = remarks.outcomes {
            writeln!(out, r#"  "_outcomes": {{"masked": {masked}, "sdc": {sdc}, "crashed": {crashed}}},"#)?;
        }
        if self.conform {
            let left_out = 1.0 - self.count as f64 / self.of as f64;
            let merged = self.classes.iter().filter(|class| class.merged.is_some()).count();
            writeln!(out, "  \"_rejected_tensors_proportion\": {left_out:?},\n  \"_categories_count\": {merged},")?;
        }
        writeln!(out, r#"  "_tensor_count": {},"#, self.count)?;
        for (i, class) in self.classes.iter().enumerate() {
            self.write_class(class, out)?;
            out.write_all(if i + 1 < self.classes.len() { b",\n" } else { b"\n" })?;
        }
        out.write_all(b"}\n")
    }

    fn write_class(&self, class: &FittedClass, out: &mut impl Write) -> io::Result<()> {
        let FittedClass { class: name, seen, count, mixes, rows, .. } = class;
        writeln!(
            out,
            "  \"{name}\": {{\n    \"count\": {count},\n    \"frequency\": {},",
            self.share(*count, self.count)
        )?;
        if self.conform {
            writeln!(out, "    \"categories_count\": {},", rows.len())?;
        }
        let mix = |mix: &FittedMix| {
            let frequency = self.share(mix.count, *seen);
            format!(r#"{{"frequency": {frequency}, "count": {}, {}}}"#, mix.count, self.values(&mix.values))
        };
        list("domain_classes", mixes, mix, out)?;
        out.write_all(b",\n")?;
        let row = |row: &FittedRow| {
            let mut weight =
                format!(r#""conditional_frequency": {}, "count": {}"#, self.share(row.count, *count), row.count);
            if self.conform {
                weight += &format!(r#", "overall_frequency": {}"#, self.share(row.count, self.count));
            }
            format!("{{{weight}, \"keys\": {}, \"stats\": {}}}", parameters(&row.keys), parameters(&row.stats))
        };
        list("parameters", rows, row, out)?;
        out.write_all(b"\n  }")
    }

    fn values(&self, values: &MixValues) -> String {
        match values {
            MixValues::Shares(shares) => {
                let share = shares.iter().map(|(class, [from, to])| format!("\"{class}\": {}", percents(*from, *to)));
                share.collect::<Vec<_>>().join(", ")
            }
            MixValues::Each(shares) => {
                let share = shares.iter().map(|(class, share)| format!("\"{class}\": {}", self.digits(*share)));
                let share: Vec<_> = share.collect();
                format!("\"random\": [100.0, 100.0], \"values\": {{{}}}", share.join(", "))
            }
        }
    }

    fn share(&self, count: u64, of: u64) -> String {
        self.digits(count as f64 / of as f64)
    }

    /// Six digits: the counts beside it have all there are. All of them to compare with what another tool made.
    fn digits(&self, number: f64) -> String {
        let text = format!("{number:.5e}");
        match text.parse::<f64>() {
            Ok(rounded) if !self.conform => format!("{rounded}"),
            _ => format!("{number}"),
        }
    }
}

/// A list with an entry a line.
fn list<T>(name: &str, entries: &[T], text: impl Fn(&T) -> String, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "    \"{name}\": [")?;
    for (i, entry) in entries.iter().enumerate() {
        writeln!(out, "      {}{}", text(entry), if i + 1 < entries.len() { "," } else { "" })?;
    }
    out.write_all(b"    ]")
}

fn parameters(parameters: &[(&str, Vec<Parameter>)]) -> String {
    let value = |value: &Parameter| match value {
        Parameter::Count(count) => count.to_string(),
        Parameter::Percent([from, to]) => percents(*from, *to),
    };
    let named = parameters.iter().map(|(name, values)| match values.as_slice() {
        [only] => format!("\"{name}\": {}", value(only)),
        several => {
            let choices: Vec<_> = several.iter().map(value).collect();
            format!("\"{name}\": {{\"RANDOM\": [{}]}}", choices.join(", "))
        }
    });
    format!("{{{}}}", named.collect::<Vec<_>>().join(", "))
}

/// A range in percent with six digits: of no tensor that people use are these too few to tell the cells.
fn percents(from: f64, to: f64) -> String {
    let digits = |percent: f64| format!("{percent:.5e}").parse().unwrap_or(percent);
    format!("[{:?}, {:?}]", digits(from), digits(to))
}
