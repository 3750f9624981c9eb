//! A model's graph for Graphviz: layers with their shapes and operators, nested models as clusters, simulators marked.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use crate::graph::{Address, Graph, Layer, Source};
use crate::keras::classes;
use crate::target::{Target, Targets};
use crate::text::{axes, shown};

/// What a layer is to someone who wants to inject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Simulator,
    /// An error model fits.
    Fitting,
    /// A simulator can follow, with an operator that the user names.
    Possible,
    /// No simulator can follow.
    Other,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Fitting, Kind::Possible, Kind::Other, Kind::Simulator];

    fn of(layer: &Layer, target: Option<&Target>) -> Self {
        match target {
            _ if layer.kind == classes::Kind::Simulator => Kind::Simulator,
            Some(Target { operator: Some(_), .. }) => Kind::Fitting,
            Some(_) => Kind::Possible,
            None => Kind::Other,
        }
    }

    fn style(self) -> &'static str {
        match self {
            Kind::Simulator => r##"fillcolor="#b8350a", color="#b8350a", fontcolor="#ffffff""##,
            Kind::Fitting => r##"fillcolor="#d3e8f7", color="#4a9bd4""##,
            Kind::Possible => r##"fillcolor="#ffffff", color="#4a9bd4""##,
            Kind::Other => r##"fillcolor="#f3f4f6", color="#d0d7de", fontcolor="#57606a""##,
        }
    }

    /// The line of the caption.
    fn words(self) -> &'static str {
        match self {
            Kind::Simulator => "red: a simulator",
            Kind::Fitting => "blue: an error model fits",
            Kind::Possible => "blue frame: a simulator can follow, with an operator of your choice",
            Kind::Other => "grey: no simulator can follow",
        }
    }
}

/// Writes the graph in the DOT language. The same model gives the same text.
///
/// # Errors
/// Those of `out`.
pub fn write(graph: &Graph, out: &mut impl Write) -> io::Result<()> {
    let sizes = Targets::new(graph);
    let targets = sizes.all_at().into_iter().map(|(Address(trail), target)| (trail, target)).collect();
    let mut drawing = Drawing { sizes, targets, outputs: outputs(graph), kinds: Vec::new(), out };
    writeln!(drawing.out, "digraph model {{")?;
    writeln!(
        drawing.out,
        r##"  graph [fontname="Helvetica", fontsize=11, fontcolor="#57606a", bgcolor="#ffffff", ranksep=0.3];"##
    )?;
    writeln!(drawing.out, r#"  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11];"#)?;
    writeln!(drawing.out, r##"  edge [fontname="Helvetica", fontsize=9, color="#57606a", arrowsize=0.7];"##)?;
    drawing.level(graph, &[])?;
    let kinds = Kind::ALL.into_iter().filter(|kind| drawing.kinds.contains(kind));
    let caption: String = kinds.map(|kind| format!("{}\\l", kind.words())).collect();
    writeln!(drawing.out, r#"  label="{caption}double frame: an output of the model\l";"#)?;
    writeln!(drawing.out, "}}")
}

struct Drawing<'d, 'g, 'a, W> {
    sizes: Targets<'g, 'a>,
    /// What can be injected, by its place.
    targets: HashMap<Vec<usize>, Target>,
    /// The places of the layers that make the model's outputs.
    outputs: HashSet<Vec<usize>>,
    /// The kinds that were drawn.
    kinds: Vec<Kind>,
    out: &'d mut W,
}

impl<W: Write> Drawing<'_, '_, '_, W> {
    /// The layers and wires of one level; `trail` leads to it.
    fn level(&mut self, level: &Graph, trail: &[usize]) -> io::Result<()> {
        let indent = "  ".repeat(trail.len() + 1);
        for (index, layer) in level.layers.iter().enumerate() {
            let address = Address([trail, &[index]].concat());
            let target = self.targets.get(&address.0);
            let kind = Kind::of(layer, target);
            let lines = self.lines(layer, &address, target).map(|line| quoted(&line));
            if let Some(inner) = &layer.inner {
                writeln!(self.out, "{indent}subgraph cluster_{} {{", id(&address.0))?;
                let frame = if kind == Kind::Possible { "#4a9bd4" } else { "#d0d7de" };
                writeln!(self.out, r#"{indent}  label="{}"; style=rounded; color="{frame}";"#, lines.join("\\n"))?;
                self.level(inner, &address.0)?;
                writeln!(self.out, "{indent}}}")?;
            } else {
                self.kinds.push(kind);
                let frames = if self.outputs.contains(&address.0) { ", peripheries=2" } else { "" };
                let (id, label, style) = (id(&address.0), lines.join("\\n"), kind.style());
                writeln!(self.out, r#"{indent}{id} [label="{label}", {style}{frames}];"#)?;
            }
        }
        for (index, layer) in level.layers.iter().enumerate() {
            for (number, call) in layer.calls.iter().enumerate() {
                for (position, wire) in call.inputs.iter().enumerate() {
                    let (Some(from), Some(to)) =
                        (exit(level, trail, wire.source), entry(level, trail, index, position))
                    else {
                        continue;
                    };
                    let marked =
                        [index, wire.source.layer].map(|end| level.layers[end].kind == classes::Kind::Simulator);
                    let words = wire_words(level, wire.source, (layer.calls.len() > 1).then_some(number));
                    let mut style = Vec::new();
                    if !words.is_empty() {
                        style.push(format!(r#"label="{words}""#));
                    }
                    if marked.contains(&true) {
                        style.push(r##"color="#b8350a", penwidth=2"##.to_owned());
                    }
                    let style = if style.is_empty() { String::new() } else { format!(" [{}]", style.join(", ")) };
                    writeln!(self.out, "{indent}{} -> {}{style};", id(&from), id(&to))?;
                }
            }
        }
        Ok(())
    }

    /// What is written in a node: name, class, shape and operator.
    fn lines(&self, layer: &Layer, address: &Address, target: Option<&Target>) -> [String; 3] {
        let size = match target {
            Some(target) => target.size.to_string(),
            None => axes(self.sizes.dims(address).unwrap_or_default().iter().skip(1).copied()),
        };
        let operator = target.and_then(|target| {
            let fused = target.fused.as_ref().map_or(String::new(), |fused| format!(", then {fused}"));
            Some(format!("  {}{fused}", target.operator?))
        });
        [layer.name.to_owned(), layer.class.to_owned(), size + &operator.unwrap_or_default()]
    }
}

/// What is to be said of a wire: which call of a layer that has several, which output.
fn wire_words(level: &Graph, source: Source, call: Option<usize>) -> String {
    let origin = &level.layers[source.layer];
    let mut words = Vec::new();
    // A layer that is called as often as the one before it passes each call on.
    if call == Some(source.call) && origin.calls.len() > 1 {
        return format!("call {}", source.call);
    }
    if origin.calls.len() > 1 {
        words.push(format!("from call {}", source.call));
    }
    if source.tensor > 0 && origin.inner.is_none() {
        words.push(format!("output {}", source.tensor));
    }
    if let Some(call) = call {
        words.push(format!("to call {call}"));
    }
    words.join(", ")
}

fn outputs(graph: &Graph) -> HashSet<Vec<usize>> {
    graph.outputs.iter().filter_map(|wire| exit(graph, &[], wire.source)).collect()
}

/// The node that a tensor comes out of: in a nested model, the one that makes its output.
fn exit(level: &Graph, trail: &[usize], source: Source) -> Option<Vec<usize>> {
    let here = [trail, &[source.layer]].concat();
    match &level.layers.get(source.layer)?.inner {
        None => Some(here),
        Some(inner) => exit(inner, &here, inner.outputs.get(source.tensor).or(inner.outputs.first())?.source),
    }
}

/// The node that takes the input at `position` of a layer: in a nested model, the input layer.
fn entry(level: &Graph, trail: &[usize], layer: usize, position: usize) -> Option<Vec<usize>> {
    let here = [trail, &[layer]].concat();
    let Some(inner) = &level.layers.get(layer)?.inner else { return Some(here) };
    let input = match inner.is_chain() {
        true => 0,
        false => inner.inputs.get(position).or(inner.inputs.first())?.source.layer,
    };
    entry(inner, &here, input, 0)
}

fn id(trail: &[usize]) -> String {
    format!("n{}", trail.iter().map(usize::to_string).collect::<Vec<_>>().join("_"))
}

/// A text inside quotes. Graphviz reads escapes and HTML's entities there.
fn quoted(text: &str) -> String {
    shown(text).replace('\\', "\\\\").replace('"', "\\\"").replace('&', "&amp;")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config;

    fn layer(class: &str, name: &str, config: Value, sources: &[(&str, usize)]) -> Value {
        let nodes: Vec<Value> = sources.iter().map(|(source, node)| json!([[source, node, 0, {}]])).collect();
        json!({"class_name": class, "name": name, "config": config, "inbound_nodes": nodes})
    }

    fn drawn(document: &Value) -> String {
        let graph = config::read(document).expect("a model");
        let mut out = Vec::new();
        write(&graph, &mut out).expect("memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn wires_lead_into_and_out_of_the_layers_of_a_nested_model() {
        let input = |shape: Value| layer("InputLayer", "x", json!({"batch_input_shape": shape}), &[]);
        let inner = json!({
            "layers": [input(json!([null, 4, 4, 3])), layer("ReLU", "re\"lu", json!({}), &[("x", 0)])],
            "input_layers": [["x", 0, 0]], "output_layers": [["re\"lu", 0, 0]],
        });
        let twice = layer("Functional", "a & b", inner, &[("x", 0), ("fault", 0)]);
        let fault = layer("ErrorSimulator", "fault", json!({}), &[("a & b", 1)]);
        let document = json!({"class_name": "Functional", "config": {
            "layers": [input(json!([null, 4, 4, 3])), twice, fault],
            "input_layers": [["x", 0, 0]], "output_layers": [["a & b", 2, 0]],
        }});
        let text = drawn(&document);
        for line in [
            r#"  subgraph cluster_n1 {"#,
            r##"    label="a &amp; b\nFunctional\n4x4x3"; style=rounded; color="#4a9bd4";"##,
            r##"    n1_1 [label="re\"lu\nReLU\n4x4x3  relu", fillcolor="#d3e8f7", color="#4a9bd4", peripheries=2];"##,
            r##"  n0 -> n1_0 [label="to call 0"];"##,
            r##"  n2 -> n1_0 [label="to call 1", color="#b8350a", penwidth=2];"##,
            r##"  n1_1 -> n2 [label="from call 0", color="#b8350a", penwidth=2];"##,
        ] {
            assert!(text.lines().any(|written| written == line), "{line}\n{text}");
        }
    }

    #[test]
    fn the_caption_explains_what_is_there() {
        let document = json!({"class_name": "Sequential", "config": {"layers": [
            {"class_name": "InputLayer", "config": {"name": "a\\b\n", "batch_input_shape": [null, 3], "dtype": "int32"}},
        ]}});
        let text = drawn(&document);
        assert!(text.contains(r#"n0 [label="a\\b\\n\nInputLayer\n3","#), "{text}");
        assert!(
            text.contains(r#"label="grey: no simulator can follow\ldouble frame: an output of the model\l";"#),
            "{text}"
        );
    }
}
