//! The list of what can be injected: as a table for people, as tab-separated values and as lines of JSON for programs.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

use crate::keras::dtype::Dtype;
use crate::layout::Shape;
use crate::operator::Operator;
use crate::target::{Size, Target};
use crate::text::{axes, shown};

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Aligned columns below a heading.
    Table,
    /// Tab-separated values: name, class, shape, operator, consumers; no heading.
    Tsv,
    /// One JSON object a line; the shape is null unless all its axes are known.
    JsonLines,
}

/// Writes one line for each target, in the given order. What is unknown is `?`, or null in JSON.
///
/// # Errors
/// Those of `out`.
pub fn write(targets: &[Target], style: Style, out: &mut impl Write) -> io::Result<()> {
    match style {
        Style::Table => write_table(targets, out),
        Style::Tsv => targets.iter().try_for_each(|target| writeln!(out, "{}", cells(target).join("\t"))),
        Style::JsonLines => targets.iter().try_for_each(|target| {
            serde_json::to_writer(&mut *out, &Row::new(target))?;
            out.write_all(b"\n")
        }),
    }
}

/// The longest cell that others are aligned with, in characters.
const WIDEST: usize = 80;

fn write_table(targets: &[Target], out: &mut impl Write) -> io::Result<()> {
    let mut rows = vec![["name", "class", "shape", "operator", "consumers"].map(str::to_owned)];
    rows.extend(targets.iter().map(cells));
    let length = |column: usize| rows.iter().map(move |row| row[column].chars().count());
    let width = |column: usize| length(column).filter(|&length| length <= WIDEST).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(width);
    rows.iter().try_for_each(|row| {
        row.iter().zip(widths).try_for_each(|(cell, width)| write!(out, "{cell:width$}  "))?;
        writeln!(out, "{}", row[4])
    })
}

fn cells(target: &Target) -> [String; 5] {
    [
        shown(&target.path),
        shown(&target.class),
        if target.sizes.is_empty() { target.size.to_string() } else { sizes(&target.sizes) },
        target.operator.map_or("?", Operator::name).to_owned(),
        target.consumers.to_string(),
    ]
}

impl fmt::Display for Size {
    /// `27x27x16`: its axes; `?` where none is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.axes().iter().all(Option::is_none) {
            return f.write_str("?");
        }
        f.write_str(&axes(self.axes().iter().copied()))
    }
}

/// `16x16x4,8x8x4`: the sizes of a layer that is called at several.
fn sizes(sizes: &[Size]) -> String {
    sizes.iter().map(Size::to_string).collect::<Vec<_>>().join(",")
}

/// The members of a line of JSON, in their order.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    class: &'a str,
    shape: Option<Axes>,
    operator: Option<&'static str>,
    consumers: usize,
    activation: Option<&'a str>,
    dtype: Option<&'static str>,
}

/// As site lines have it: an image's axes by name, others in a list.
#[derive(Serialize)]
#[serde(untagged)]
enum Axes {
    Image { h: usize, w: usize, c: usize },
    Other(Vec<usize>),
}

impl Axes {
    fn new(shape: Shape) -> Self {
        match shape.axes()[..] {
            [h, w, c] => Axes::Image { h, w, c },
            ref axes => Axes::Other(axes.to_vec()),
        }
    }
}

impl<'a> Row<'a> {
    fn new(target: &'a Target) -> Self {
        Row {
            name: &target.path,
            class: &target.class,
            shape: target.size.shape().map(Axes::new),
            operator: target.operator.map(Operator::name),
            consumers: target.consumers,
            activation: target.fused.as_deref(),
            dtype: target.output.dtype.map(Dtype::name),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config;
    use crate::target::Targets;

    fn written(style: Style) -> String {
        let node = |source: &str| json!([[[source, 0, 0, {}]]]);
        let layer = |class: &str, name: &str, config: serde_json::Value, nodes: serde_json::Value| json!({"class_name": class, "name": name, "config": config, "inbound_nodes": nodes});
        let conv = json!({"filters": 5, "kernel_size": 3, "padding": "same", "data_format": "channels_first"});
        let sum = json!([[["conv/a", 0, 0, {}], ["b\n", 0, 0, {}]]]);
        let document = json!({"class_name": "Functional", "config": {
            "layers": [
                layer("InputLayer", "x", json!({"batch_input_shape": [null, 3, 8, 6]}), json!([])),
                layer("Conv2D", "conv/a", conv.clone(), node("x")),
                layer("Lambda", "b\n", json!({}), node("conv/a")),
                layer("Conv2D", "c", conv, node("b\n")),
                layer("Add", "sum", json!({}), sum),
                layer("Flatten", "flat", json!({"data_format": "channels_last"}), node("conv/a")),
            ],
            "input_layers": [["x", 0, 0]],
            "output_layers": [["conv/a", 0, 0], ["sum", 0, 0], ["c", 0, 0], ["flat", 0, 0]],
        }});
        let graph = config::read(&document).expect("a model");
        let mut out = Vec::new();
        write(&Targets::new(&graph).all(), style, &mut out).expect("memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_table_has_a_heading_and_aligned_columns() {
        let expected = "\
name    class       shape  operator   consumers
x       InputLayer  8x6x3  ?          1
conv/a  Conv2D      8x6x5  conv_gemm  4
b\\n     Lambda      ?      ?          2
c       Conv2D      ?x?x5  conv_gemm  1
sum     Add         ?      ?          1
flat    Flatten     240    ?          1
";
        assert_eq!(written(Style::Table), expected);
    }

    #[test]
    fn tab_separated_values_have_one_line_a_target() {
        let text = written(Style::Tsv);
        assert_eq!(text.lines().nth(1), Some("conv/a\tConv2D\t8x6x5\tconv_gemm\t4"));
        assert!(text.lines().all(|line| line.split('\t').count() == 5));
    }

    #[test]
    fn json_has_whole_shapes_or_null() {
        let text = written(Style::JsonLines);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1],
            r#"{"name":"conv/a","class":"Conv2D","shape":{"h":8,"w":6,"c":5},"operator":"conv_gemm","consumers":4,"activation":null,"dtype":"float32"}"#
        );
        assert_eq!(
            lines[2],
            r#"{"name":"b\n","class":"Lambda","shape":null,"operator":null,"consumers":2,"activation":null,"dtype":null}"#
        );
        assert_eq!(
            lines[3],
            r#"{"name":"c","class":"Conv2D","shape":null,"operator":"conv_gemm","consumers":1,"activation":null,"dtype":"float32"}"#
        );
        assert_eq!(
            lines[5],
            r#"{"name":"flat","class":"Flatten","shape":[240],"operator":null,"consumers":1,"activation":null,"dtype":"float32"}"#
        );
    }
}
