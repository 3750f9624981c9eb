//! The pictures in the documents are what the tools draw, and Graphviz takes what `classes-patch --dot` writes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Runs a line of shell in the repository's root, with the tools on the path.
fn run(line: &str, out: &Path) -> Output {
    let programs = Path::new(env!("CARGO_BIN_EXE_classes-plot")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh").args(["-euc", line]).env("PATH", path).env("OUT", out).output().unwrap();
    assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn the_pictures_of_the_readme_are_what_their_commands_draw() {
    let folder = tempfile::tempdir().unwrap();
    run("sh docs/images/make.sh \"$OUT\"", folder.path());
    let drawn = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let kept = |name: &str| fs::read_to_string(Path::new("docs/images").join(name)).unwrap();
    assert!(drawn("sites.svg") == kept("sites.svg"), "sh docs/images/make.sh draws them anew");
    // Where Graphviz puts things depends on its version and fonts, and is not compared.
    assert!(drawn("graph.dot") == kept("graph.dot"), "sh docs/images/make.sh draws them anew");
    let (graph, picture) = (kept("graph.dot"), kept("graph.svg"));
    let labels = graph.lines().filter_map(|line| line.split_once("[label=\"")?.1.split_once("\\n"));
    let mut layers = 0;
    for (name, _) in labels {
        assert!(picture.contains(&format!(">{name}</text>")), "{name}");
        layers += 1;
    }
    assert_eq!(layers, 12);
    assert!(kept("sites.svg").len() + picture.len() < 60_000);
}

#[test]
fn graphviz_draws_models_whatever_their_layers_are_called() {
    if !Command::new("dot").arg("-V").output().is_ok_and(|output| output.status.success()) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (command, nodes, clusters) in [
        ("h5-config-get tests/data/digits-keras3.h5 | classes-patch --dot", 11, 0),
        (
            "h5-config-get tests/data/digits-sequential-keras2.h5 | classes-patch --dot --after conv2d_1 --after re_lu",
            10,
            0,
        ),
        ("classes-patch --dot --after shared --node all tests/data/files/shared.json", 10, 1),
        (
            r#"jq '(.. | strings) |= (if . == "sum" then "<&amp;\"\\N>\n{|}" else . end)' tests/data/files/shared.json |
                classes-patch --dot"#,
            9,
            1,
        ),
    ] {
        let line = format!("{command} | dot -Tsvg");
        let picture = String::from_utf8(run(&line, folder.path()).stdout).unwrap();
        assert_eq!(picture.matches("class=\"node\"").count(), nodes, "{line}");
        assert_eq!(picture.matches("class=\"cluster\"").count(), clusters, "{line}");
        if command.starts_with("jq") {
            assert!(picture.contains(r#">&lt;&amp;amp;&quot;\N&gt;\n{|}</text>"#), "{picture}");
        }
    }
}
