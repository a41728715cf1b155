//! Graphs that would take the host's memory or its time are refused before anything is made of them.

use sacodec_codec::LoadError;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, type_proto};

use super::fuzz::load;
use super::tiny::{F32, INT8, Pack, node, numbers, port, weight};

/// Loads the smallest pack with a change of its encoder.
fn encoder(change: impl FnOnce(&mut GraphProto)) -> Result<(), LoadError> {
    let folder = tempfile::tempdir().unwrap();
    let mut pack = Pack::new();
    change(pack.graphs[0].graph.as_mut().unwrap());
    load(&pack, folder.path(), &mut fastrand::Rng::with_seed(1))
}

#[track_caller]
fn assert_refused(change: impl FnOnce(&mut GraphProto), said: &str) {
    match encoder(change) {
        Err(LoadError::Graph(error)) => assert!(error.to_string().contains(said), "{error}"),
        other => panic!("not refused as a graph: {other:?}"),
    }
}

/// Puts nodes before the first, which reads the last of them.
fn before_the_first(graph: &mut GraphProto, nodes: Vec<NodeProto>) {
    graph.node[0].input[0].clone_from(&nodes[nodes.len() - 1].output[0]);
    graph.node.splice(0..0, nodes);
}

fn chain(kind: &str, count: usize, other: Option<&str>) -> Vec<NodeProto> {
    let name = |at: usize| if at == 0 { "audio".to_owned() } else { format!("link{at}") };
    let link = |at: usize| node(kind, &[&name(at), other.unwrap_or(&name(at))], &name(at + 1));
    (0..count).map(link).collect()
}

#[test]
fn the_smallest_pack_loads_and_codes() {
    assert!(encoder(|_| {}).is_ok());
}

#[test]
fn a_file_whose_bytes_become_many_more_in_memory_is_refused_before_it_is_decoded() {
    assert_refused(
        |g| g.node.extend(vec![NodeProto::default(); 600_000]),
        "bytes beside the raw data of weights",
    );
}

#[test]
fn weights_of_one_byte_are_whole_and_are_widened_before_they_are_used() {
    let byte = |length: usize| {
        let mut byte = weight("byte", INT8, &[1, 320]);
        byte.raw_data.truncate(length);
        byte
    };
    let put = |graph: &mut GraphProto, length, nodes: &[NodeProto]| {
        graph.initializer.push(byte(length));
        before_the_first(graph, nodes.to_vec());
    };
    let straight = [node("Add", &["audio", "byte"], "louder")];
    assert_refused(|g| put(g, 320, &straight), "of weights of the type i8: cast them first");
    assert_refused(|g| put(g, 319, &straight), "but 319 bytes");
    let mut cast = node("Cast", &["byte"], "wide");
    cast.attribute = vec![AttributeProto { name: "to".into(), r#type: 2, i: 1, ..AttributeProto::default() }];
    let widened = [cast, node("Add", &["audio", "wide"], "louder")];
    assert!(encoder(|g| put(g, 320, &widened)).is_ok());
}

#[test]
fn more_nodes_than_the_library_reads_in_seconds_are_refused() {
    assert_refused(|g| before_the_first(g, chain("Add", 3000, None)), "nodes, at most 2048");
}

#[test]
fn dimensions_that_double_with_each_node_are_refused() {
    // A look-up has the dimensions of both: 60 of them would have 2^60.
    assert_refused(|g| before_the_first(g, chain("Gather", 60, None)), "dimensions in one tensor");
    let grows = |g: &mut GraphProto| {
        g.initializer.push(numbers("axes", &[0]));
        before_the_first(g, chain("Unsqueeze", 60, Some("axes")));
    };
    assert_refused(grows, "dimensions in one tensor");
    assert_refused(|g| g.initializer.push(weight("deep", F32, &[1; 9])), "dimensions in one tensor");
    let shaped = |g: &mut GraphProto| {
        g.initializer.push(numbers("shape", &[1; 3000]));
        before_the_first(g, vec![node("Reshape", &["audio", "shape"], "shaped")]);
    };
    assert_refused(shaped, "a few constants");
}

#[test]
fn an_axis_that_the_library_would_count_up_from_for_ever_is_refused() {
    let far = |g: &mut GraphProto| {
        let norm = g.node.iter_mut().find(|node| node.op_type == "LayerNormalization").unwrap();
        norm.attribute[0].i = i64::MIN;
    };
    assert_refused(far, "an attribute that no tensor");
}

#[test]
fn nodes_that_are_not_sorted_or_give_one_name_twice_are_refused() {
    assert_refused(|g| g.node.swap(0, 1), "sort the nodes");
    assert_refused(|g| g.node.push(g.node[0].clone()), "two values with the name heard");
    assert_refused(|g| g.initializer.push(g.initializer[0].clone()), "two values with the name listen");
}

#[test]
fn a_byte_that_is_no_bool_never_becomes_one() {
    let other = |g: &mut GraphProto| {
        let mut flags = weight("flags", F32, &[8]);
        (flags.data_type, flags.raw_data) = (9, vec![2; 8]);
        g.initializer.push(flags);
    };
    assert_refused(other, "neither 0 nor 1");
}

#[test]
fn a_cast_to_what_no_pack_needs_is_refused() {
    let to = |i| AttributeProto { name: "to".into(), r#type: 2, i, ..AttributeProto::default() };
    let cast = |i| {
        move |g: &mut GraphProto| {
            let mut cast = node("Cast", &["audio"], "text");
            cast.attribute.push(to(i));
            g.node.push(cast);
        }
    };
    // To a text, a complex number, and what is none.
    [8, 15, 99].into_iter().for_each(|i| assert_refused(cast(i), "to another type"));
    assert!(encoder(cast(1)).is_ok());
}

#[test]
fn constants_that_nodes_multiply_are_bounded() {
    // A gigabyte and more, made of a few bytes of a file that names the same weight again and again.
    let copies = |g: &mut GraphProto| {
        g.initializer.push(weight("large", F32, &[1 << 20]));
        g.node.extend((0..300).map(|at| node("Identity", &["large"], &format!("copy{at}"))));
    };
    assert_refused(copies, "bytes of constants");
}

#[test]
fn a_frame_of_too_many_products_or_results_is_refused_with_its_figures() {
    let wide = |g: &mut GraphProto| {
        g.initializer.push(weight("tall", F32, &[60_000, 1]));
        g.initializer.push(numbers("axes", &[0]));
        let shrink = node("ReduceSum", &["wide", "axes"], "shrunk");
        before_the_first(g, vec![node("Add", &["audio", "tall"], "wide"), shrink]);
    };
    // 60,000 times 320 elements of 4 bytes and the hop.
    assert_refused(wide, "bytes of states and results in a frame, at most 67108864");
    let busy = |g: &mut GraphProto| {
        g.initializer.push(weight("tall", F32, &[4000, 1]));
        let mut nodes = vec![node("Add", &["audio", "tall"], "link0")];
        for at in 0..1700 {
            nodes.push(node("Sin", &[&format!("link{at}")], &format!("link{}", at + 1)));
        }
        before_the_first(g, nodes);
    };
    assert_refused(busy, "multiply-adds in a frame, at most 2147483648");
}

#[test]
fn what_a_file_says_of_values_on_the_way_is_not_read() {
    let nested = |g: &mut GraphProto| {
        let mut info = port("heard", F32, &[7]);
        let kind = info.r#type.as_mut().and_then(|kind| kind.value.as_mut());
        let Some(type_proto::Value::TensorType(tensor)) = kind else { return };
        let text = format!("{}n{}", "(".repeat(100_000), ")".repeat(100_000));
        let dim = Dimension { value: Some(dimension::Value::DimParam(text)), ..Dimension::default() };
        tensor.shape.as_mut().unwrap().dim.push(dim);
        g.value_info.push(info);
    };
    assert!(encoder(nested).is_ok());
}
