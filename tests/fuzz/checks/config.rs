//! A config becomes a graph, a list, a patch and a patched config, and comes back.

use std::collections::HashMap;
use std::slice;

use classes_h5::edit::{self, Calls, Placement};
use classes_h5::graph::{Graph, Layer, NodeBase};
use classes_h5::json::{self, Arrays, Printable};
use classes_h5::keras::simulator::is_simulator;
use classes_h5::keras::version::Keras;
use classes_h5::list::{self, Style};
use classes_h5::model_file::{Limit, Saved, SavedLayer};
use classes_h5::target::{Target, Targets};
use classes_h5::weights::{Circumstances, Stated};
use classes_h5::{config, fill, patch, weights};
use json_patch::Patch;
use serde_json::Value;

/// How many layers of one config get a simulator, at most.
const TRIED: usize = 4;

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (mut arrays, mut of_wanted, mut of_printable) = Default::default();
    let parsed = json::parse_saved(text, &mut arrays).map(|parsed| parsed.value);
    let wanted = json::parse_wanted(text, config::wanted, &mut of_wanted).map(|parsed| parsed.value);
    let printable = Printable::read(text, &mut of_printable);
    let (document, wanted, printable) = match (parsed, wanted, printable) {
        (Ok(document), Ok(wanted), Ok(printable)) => (document, wanted, printable),
        (parsed, wanted, printable) => {
            let error = parsed.expect_err("as the others");
            assert_eq!(wanted.expect_err("as the others"), error);
            assert_eq!(printable.expect_err("as the others"), error);
            return;
        }
    };
    what_is_written_reads_back(&document, &arrays);
    what_is_printed_is_what_was_read(&printable, &of_printable, &document, &arrays);
    let Ok(graph) = config::read(&document) else {
        config::read(&wanted).expect_err("as the whole");
        return;
    };
    let wanted = config::read(&wanted).expect("as the whole");
    let (known, wanted_known) = (Targets::new(&graph), Targets::new(&wanted));
    let targets = known.all();
    assert_eq!(wanted_known.all(), targets);
    lists_are_one_line_a_target(&targets);
    for keras in Keras::ALL {
        the_order_has_inputs_before_their_consumers(&graph, keras);
    }
    for target in targets.iter().step_by(targets.len().div_ceil(TRIED).max(1)) {
        for (calls, split_activation) in [(Calls::Only, false), (Calls::All, false), (Calls::All, true)] {
            let after = target.path.clone();
            let request = Placement { after, calls, split_activation, ..Default::default() };
            let edit = an_insertion(&graph, &known, &request);
            assert_eq!(an_insertion(&wanted, &wanted_known, &request), edit, "what is not wanted does not count");
            if let Some((edit, simulator)) = edit {
                an_insertion_comes_back(&document, &arrays, &graph, &edit, &simulator, split_activation);
            }
        }
    }
}

fn what_is_written_reads_back(document: &Value, arrays: &Arrays) {
    let compact = written(document, arrays);
    let pythons = fill::text(document.clone(), arrays, &[], Limit { most: u64::MAX, holder: "a file" }).expect("fits");
    assert!(pythons.iter().all(|byte| (b' '..=0x7f).contains(byte)), "the form for files is ASCII");
    let mut pretty = Vec::new();
    json::write_pretty(document, arrays, &mut pretty).expect("memory");
    for (text, is_saved) in [(pythons, true), (pretty, false)] {
        let text = String::from_utf8(text).expect("UTF-8");
        let mut arrays = Arrays::default();
        let parse = if is_saved { json::parse_saved } else { json::parse };
        let read = parse(&text, &mut arrays).expect("JSON").value;
        assert_eq!(written(&read, &arrays), compact);
    }
}

fn what_is_printed_is_what_was_read(printable: &Printable, held: &Arrays, document: &Value, arrays: &Arrays) {
    let (mut pretty, mut compact) = (Vec::new(), Vec::new());
    printable.write_pretty(held, &mut pretty).expect("memory");
    printable.write_compact(held, &mut compact).expect("memory");
    assert!(pretty.len() >= compact.len() && !compact[..compact.len() - 1].contains(&b'\n'));
    // A number may be spelt in several ways; the parser has one.
    for text in [pretty, compact] {
        let text = String::from_utf8(text).expect("UTF-8");
        let mut of_text = Arrays::default();
        let read = json::parse(&text, &mut of_text).expect("JSON").value;
        assert_eq!(written(&read, &of_text), written(document, arrays));
    }
}

/// A document as text, without white space.
fn written(document: &Value, arrays: &Arrays) -> String {
    let mut text = Vec::new();
    json::write_compact(document, arrays, &mut text).expect("memory");
    String::from_utf8(text).expect("UTF-8")
}

fn lists_are_one_line_a_target(targets: &[Target]) {
    for style in [Style::Table, Style::Tsv, Style::JsonLines] {
        let mut out = Vec::new();
        list::write(targets, style, &mut out).expect("memory");
        let text = String::from_utf8(out).expect("UTF-8");
        assert_eq!(text.lines().count(), targets.len() + usize::from(style == Style::Table));
        for line in text.lines() {
            match style {
                Style::Table => assert!(!line.contains(char::is_control), "{line:?}"),
                Style::Tsv => {
                    assert_eq!(line.split('\t').count(), 5, "{line:?}");
                    assert!(!line.contains(|c: char| c.is_control() && c != '\t'), "{line:?}");
                }
                Style::JsonLines => assert!(serde_json::from_str::<Value>(line).expect("JSON").is_object()),
            }
        }
    }
}

fn the_order_has_inputs_before_their_consumers(graph: &Graph, keras: Keras) {
    let order = graph.keras_order(keras).expect("a graph that was read has an order");
    let places: HashMap<usize, usize> = order.iter().enumerate().map(|(place, &layer)| (layer, place)).collect();
    assert_eq!(places.len(), order.len(), "no layer is there twice");
    for (index, layer) in graph.layers.iter().enumerate().filter(|(index, _)| graph.is_used(*index)) {
        // A layer with several calls may stand before what its later calls take.
        let [call] = layer.calls.as_slice() else { continue };
        for wire in &call.inputs {
            assert!(places[&wire.source.layer] < places[&index], "{} comes after its input", layer.name);
        }
    }
}

/// The patch for a request, and the simulator's name.
fn an_insertion(graph: &Graph, known: &Targets, request: &Placement) -> Option<(Patch, String)> {
    let insertion = edit::insert(graph, known, slice::from_ref(request)).ok()?;
    let [inserted] = insertion.simulators.as_slice() else { panic!("one request makes one simulator") };
    Some((patch::build(&insertion.changes), inserted.name.clone()))
}

fn an_insertion_comes_back(
    document: &Value,
    arrays: &Arrays,
    graph: &Graph,
    edit: &Patch,
    simulator: &str,
    split: bool,
) {
    let spelt = |edit: &Patch| serde_json::to_string(edit).expect("a patch is JSON");
    let parsed = serde_json::from_str(&spelt(edit)).expect("what is spelt as JSON is JSON");
    let read = patch::from_value(parsed).expect("what is spelt as a patch is one");
    assert_eq!(spelt(&read), spelt(edit));

    let mut patched = document.clone();
    patch::apply(&mut patched, edit, arrays).expect("a patch fits the config it was made for");
    let mut elsewhere = document.clone();
    json_patch::patch(&mut elsewhere, edit).expect("the patch fits for others, too");
    assert_eq!(elsewhere, patched);

    let new = config::read(&patched).expect("a patched config is one");
    assert_eq!(new.walk().len(), graph.walk().len() + 1 + usize::from(split));
    assert_eq!(fill::simulators(&new).len(), fill::simulators(graph).len() + 1);
    for keras in Keras::ALL {
        the_order_has_inputs_before_their_consumers(&new, keras);
        the_saved_layers_stay(graph, &new, keras);
    }

    let removal = patch::build(&edit::remove(&new, &[simulator]).expect("what went in comes out"));
    let text = written(&patched, arrays);
    let wanted = json::parse_wanted(&text, config::wanted, &mut Arrays::default()).expect("JSON").value;
    let wanted = edit::remove(&config::read(&wanted).expect("as the whole"), &[simulator]).expect("as the whole");
    assert_eq!(patch::build(&wanted), removal, "what is not wanted does not count");
    // Where only the ends of a model told how its calls are numbered, and told what no Keras writes, the number is lost.
    let numbers = call_numbers(&new);
    let are_numbered_alike = call_numbers(graph).iter().all(|(layer, number)| numbers.get(layer) == Some(number));
    patch::apply(&mut patched, &removal, arrays).expect("the removal fits");
    if are_numbered_alike {
        assert_eq!(written(&patched, arrays), written(document, arrays), "what comes out leaves what was there");
    }
}

/// By the names from the outermost on: what the config writes for each layer's first call.
fn call_numbers<'a>(graph: &Graph<'a>) -> HashMap<Vec<&'a str>, NodeBase> {
    let trails = graph.walk().into_iter().map(|address| graph.trail(&address));
    let name_and_number = |trail: Vec<&Layer<'a>>| {
        let number = trail.last().map(|layer| layer.node_base).unwrap_or_default();
        (trail.iter().map(|layer| layer.name).collect(), number)
    };
    trails.map(name_and_number).collect()
}

fn the_saved_layers_stay(old: &Graph, new: &Graph, keras: Keras) {
    let order = old.keras_order(keras).expect("an order").into_iter().map(|index| &old.layers[index]);
    // A simulator's saved mode comes and goes with the Keras.
    let names = order.filter(|layer| !is_simulator(layer.class)).map(|layer| layer.name.to_owned());
    let mut names: Vec<String> = names.collect();
    let layer = |name: &String| SavedLayer { name: name.clone(), weights: vec![format!("{name}/kernel:0")] };
    let saved = Saved { layers: names.iter().map(layer).collect(), slots: Vec::new() };
    let given = Circumstances { saved: &saved, writer: keras, keras, stated: &Stated::default() };
    let Ok(plan) = weights::plan(old, new, given) else { return };
    let Some(mut reordered) = plan.layer_names else { return };
    reordered.retain(|name| names.contains(name));
    reordered.sort_unstable();
    names.sort_unstable();
    assert_eq!(reordered, names, "the same layers in another order");
}
