#[cfg(test)]
mod t {
    use crate::codec::*;
    #[test]
    fn speed() {
        let t = std::time::Instant::now();
        let model = CodecModel::embedded().unwrap();
        println!("load {:?} nodes {}", t.elapsed(), model.nodes_per_frame());
        let t = std::time::Instant::now();
        let _m2 = CodecModel::embedded().unwrap();
        let mut codec = FrameCodec::new(&model).unwrap();
        println!("second {:?}", t.elapsed());
        let mut out = vec![0.0; 320];
        let mut ts = vec![];
        let mut toks = vec![];
        for f in 0..400 {
            let hop: Vec<f32> = (0..320).map(|i| ((f * 320 + i) as f32 * 0.05).sin() * 0.2).collect();
            let t = std::time::Instant::now();
            toks.push(codec.step(&hop, StreamGain::BOTH, &mut out).unwrap());
            ts.push(t.elapsed().as_secs_f64() * 1e3);
        }
        ts.sort_by(f64::total_cmp);
        println!("median {:.3} p99 {:.3} {:?}", ts[200], ts[396], &toks[100..103]);
        for (n, g) in [("enc", &model.encoder), ("q", &model.quantizer), ("dec", &model.decoder)] {
            let tot: f32 = g.cost_s.iter().sum();
            println!("{n} {} nodes {:.3} ms", g.steps(), tot * 1e3);
            g.describe();
        }
    }
}
