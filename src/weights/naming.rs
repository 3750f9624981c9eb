//! What the groups of a model's layers are called in an archive: by class, and numbered in Keras' order.
//!
//! TensorFlow 2.12 to 2.14 saved a model's layers by a list that they keep for checkpoints, in which a layer with weights stands twice.
//! Until 2.13 both times were counted, though the second is never saved.

use std::collections::{HashMap, HashSet};

use super::WeightsError;
use super::places::has_variables;
use crate::graph::{Cycle, Graph, Layer};
use crate::keras::classes::Kind;
use crate::keras::group_name::group_name;
use crate::keras::version::{ArchiveForm, Keras};
use crate::model_file::SavedTree;

/// How an archive calls the groups of layers.
#[derive(Debug)]
pub(super) struct Naming {
    /// The Keras that wrote it.
    pub keras: Keras,
    form: ArchiveForm,
    /// The paths of layers that have weights, where these count twice; of models there is what is inside.
    with_weights: HashSet<String>,
}

impl Naming {
    /// That of a version's archives.
    pub fn new(keras: Keras, form: ArchiveForm) -> Self {
        Naming { keras, form, with_weights: HashSet::new() }
    }

    /// Whether it takes the archive itself to know what is counted.
    pub fn counts_weights(&self) -> bool {
        self.form.counts_layers_with_weights_twice()
    }

    /// Refuses an archive that another version has laid out than the one that it names.
    pub fn refuse_others(&self, tree: &SavedTree) -> Result<(), WeightsError> {
        let others = ArchiveForm::ALL.map(ArchiveForm::layers).into_iter().filter(|&layers| layers != self.container());
        for layers in others {
            if has_variables(tree, layers) {
                let difference = format!("there are some in '{layers}', and none are looked for there");
                return Err(WeightsError::Place { difference });
            }
        }
        Ok(())
    }

    /// Learns from an archive which layers of its model have weights.
    pub fn learn(&mut self, graph: &Graph, tree: &SavedTree) -> Result<(), Cycle> {
        self.learn_inside(graph, ["", ""], tree)
    }

    fn learn_inside(&mut self, graph: &Graph, [path, prefix]: [&str; 2], tree: &SavedTree) -> Result<(), Cycle> {
        let mut count = Count::default();
        for index in self.listed(graph)? {
            let layer = &graph.layers[index];
            let name = count.name(layer, self.keras);
            let (layer_path, group) = (format!("{path}{}", layer.name), self.inside(prefix, &name));
            match &layer.inner {
                Some(inner) => self.learn_inside(inner, [&format!("{layer_path}/"), &group], tree)?,
                None if has_variables(tree, &group) => {
                    self.with_weights.insert(layer_path.clone());
                }
                None => {}
            }
            if self.counts_twice(layer, &layer_path) {
                count.name(layer, self.keras);
            }
        }
        Ok(())
    }

    /// The layers of a model that have groups, by place, with the name of each one's group. `path` is what stands before the
    /// names of its layers.
    pub fn groups(&self, graph: &Graph, path: &str) -> Result<Vec<(usize, String)>, Cycle> {
        let mut count = Count::default();
        let mut found = Vec::new();
        for index in self.listed(graph)? {
            let layer = &graph.layers[index];
            found.push((index, count.name(layer, self.keras)));
            if self.counts_weights() && self.counts_twice(layer, &format!("{path}{}", layer.name)) {
                count.name(layer, self.keras);
            }
        }
        Ok(found)
    }

    /// The layers that have groups, in Keras' order.
    fn listed(&self, graph: &Graph) -> Result<Vec<usize>, Cycle> {
        let mut order = graph.keras_order(self.keras)?;
        order.retain(|&index| match graph.layers[index].kind {
            Kind::Operation => self.keras.lists_operations(),
            // The input layer of a chain is none of its `layers`.
            kind => !(graph.is_chain() && index == 0 && kind.is("InputLayer")),
        });
        Ok(order)
    }

    fn counts_twice(&self, layer: &Layer, path: &str) -> bool {
        match &layer.inner {
            Some(inner) => inner.layers.iter().any(|layer| self.counts_twice(layer, &format!("{path}/{}", layer.name))),
            None => self.with_weights.contains(path) || (layer.kind == Kind::Simulator && self.keras.saves_modes()),
        }
    }

    /// The path of a group of that name in a model's group; without one it is the model's of the whole.
    pub fn inside(&self, prefix: &str, name: &str) -> String {
        let layers = self.container();
        if prefix.is_empty() { format!("{layers}/{name}") } else { format!("{prefix}/{layers}/{name}") }
    }

    /// The group in a model's group that holds those of its layers.
    pub fn container(&self) -> &'static str {
        self.form.layers()
    }
}

/// How often each class was met.
#[derive(Default)]
struct Count(HashMap<String, usize>);

impl Count {
    /// What the next layer's group is called.
    fn name(&mut self, layer: &Layer, keras: Keras) -> String {
        let name = group_name(layer.kind, layer.class, keras);
        match self.0.get_mut(&name) {
            Some(number) => {
                *number += 1;
                format!("{name}_{number}")
            }
            None => {
                self.0.insert(name.clone(), 0);
                name
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::places::Moves;
    use super::*;
    use crate::config;
    use crate::model_file::SavedGroup;

    /// Layers one behind another, each given as its class and name.
    fn chain(layers: &[(&str, &str)]) -> Value {
        let mut before: Option<&str> = None;
        let entries: Vec<Value> = layers
            .iter()
            .map(|&(class, name)| {
                let inbound = before.replace(name).map(|before| json!([[[before, 0, 0, {}]]])).unwrap_or(json!([]));
                json!({"class_name": class, "name": name, "config": {"name": name}, "inbound_nodes": inbound})
            })
            .collect();
        let (first, last) = (layers[0].1, layers[layers.len() - 1].1);
        json!({"class_name": "Functional", "config": {"name": "model", "layers": entries,
            "input_layers": [[first, 0, 0]], "output_layers": [[last, 0, 0]]}})
    }

    const OLD: [(&str, &str); 5] =
        [("InputLayer", "in"), ("Conv2D", "a"), ("Activation", "r"), ("Conv2D", "b"), ("Activation", "s")];

    /// What an archive has of [`OLD`], given the groups that have a variable.
    fn tree(groups: [&str; 2]) -> SavedTree {
        let group = |path: &str| SavedGroup {
            path: format!("_layer_checkpoint_dependencies/{path}"),
            name: None,
            variables: vec![("0".to_owned(), vec![3])],
        };
        SavedTree { groups: groups.map(group).into(), ..SavedTree::default() }
    }

    fn names(naming: &Naming, model: &Value) -> Vec<String> {
        let graph = config::read(model).expect("a model");
        naming.groups(&graph, "").expect("no cycle").into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn the_oldest_archives_count_a_layer_with_weights_twice() {
        let model = chain(&OLD);
        let of = |form, groups| {
            let mut naming = Naming::new(Keras::Two, form);
            naming.learn(&config::read(&model).expect("a model"), &tree(groups)).expect("no cycle");
            naming
        };
        let oldest = of(ArchiveForm::Oldest, ["conv2d", "conv2d_2"]);
        assert_eq!(names(&oldest, &model), ["input_layer", "conv2d", "activation", "conv2d_2", "activation_1"]);
        let old = of(ArchiveForm::Old, ["conv2d", "conv2d_1"]);
        assert_eq!(names(&old, &model), ["input_layer", "conv2d", "activation", "conv2d_1", "activation_1"]);

        let with_two = |second| {
            let mut layers = OLD.to_vec();
            layers.insert(2, ("ErrorSimulator", "simulator"));
            layers.insert(second, ("ErrorSimulator", "simulator_1"));
            chain(&layers)
        };
        let faulty = with_two(5);
        assert!(names(&oldest, &faulty).contains(&"error_simulator_2".to_owned()), "its mode is a weight");
        let moves =
            Moves::between(&config::read(&model).expect("a model"), &config::read(&faulty).expect("a model"), &oldest);
        let groups = ["error_simulator", "error_simulator_2"].map(|name| oldest.inside("", name));
        assert_eq!(moves.expect("moves").modes, groups);
    }
}
