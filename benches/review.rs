//! The pure path: a review's bytes to its answer's bytes.
use criterion::{Criterion, criterion_group, criterion_main};
use meshmode::webhook::{mutate, stance::Stance};
use std::hint::black_box;
fn bench(c: &mut Criterion) {
    let configuration = meshmode::config::read(meshmode::config::DEFAULT).unwrap();
    for name in ["small", "usual", "large"] {
        let body = std::fs::read(format!("/tmp/{name}.json")).unwrap();
        c.bench_function(name, |b| {
            b.iter(|| {
                black_box(
                    mutate::answer(black_box(&body), &configuration.placement, Stance::Enforce)
                        .unwrap()
                        .answer
                        .to_json(),
                )
            })
        });
        c.bench_function(&format!("{name}-parse"), |b| {
            b.iter(|| {
                black_box(
                    meshmode::webhook::review::parse::<meshmode::cluster::convert::Opened>(
                        black_box(&body),
                    )
                    .is_ok(),
                )
            })
        });
    }
}
criterion_group!(benches, bench);
criterion_main!(benches);
