//! The figures as tables for `docs/performance.md`, goals beside results.

use crate::in_turn;
use crate::samples::{Row, Samples, Spread};
use crate::size::Size;
use crate::subject::Subject;
use crate::{
    AT_RATE, BUSY, BUSY_ALONE, CPU, CPU_AT_RATE, CPU_WAKING, FIRST_ANSWER, PER_CORE, PROCESS,
    RESIDENT, REVIEWS, SATURATED,
};

/// What a figure of meshmode should be, as so many times that of another.
struct Goal(&'static str, Row, Subject, Wanted);

#[derive(Clone, Copy)]
enum Wanted {
    AtMost(f64),
    AtLeast(f64),
}

const SMALL: &str = REVIEWS[0].name;
const LARGE: &str = REVIEWS[1].name;
/// Of issue 6.
const GOALS: [Goal; 7] = [
    Goal(
        "CPU of the constant route",
        row(SMALL, CPU),
        Subject::Constant,
        Wanted::AtMost(1.8),
    ),
    Goal(
        "CPU of the constant route",
        row(LARGE, CPU),
        Subject::Constant,
        Wanted::AtMost(2.5),
    ),
    Goal(
        "p99 of the constant route at 2,000/s, in turn",
        row(SMALL, in_turn::P99),
        Subject::Constant,
        Wanted::AtMost(1.3),
    ),
    Goal(
        "p99 of the constant route at 2,000/s, in turn",
        row(LARGE, in_turn::P99),
        Subject::Constant,
        Wanted::AtMost(1.3),
    ),
    Goal(
        "reviews a second and core of the Go webhook",
        row(SMALL, PER_CORE),
        Subject::Go,
        Wanted::AtLeast(14.0),
    ),
    Goal(
        "reviews a second and core of the Go webhook",
        row(LARGE, PER_CORE),
        Subject::Go,
        Wanted::AtLeast(30.0),
    ),
    Goal(
        "memory of the Go webhook",
        row(PROCESS, RESIDENT),
        Subject::Go,
        Wanted::AtMost(1.0 / 3.0),
    ),
];

const fn row(of: &'static str, what: &'static str) -> Row {
    Row { of, what }
}

/// Prints all of it.
pub(crate) fn print(samples: &Samples<Subject>, sizes: &[(Subject, Size)]) {
    for review in REVIEWS {
        println!(
            "\n### A review of {:.1} KB ({})\n",
            review.kilobytes(),
            review.name
        );
        head();
        for (what, decimals) in [
            (PER_CORE, 0),
            (SATURATED, 0),
            (BUSY, 2),
            (CPU_WAKING, 1),
            (BUSY_ALONE, 2),
            (CPU, 1),
            (CPU_AT_RATE, 1),
        ] {
            line(samples, review.name, what, decimals);
        }
        line(samples, review.name, in_turn::P99, 3);
        for rows in AT_RATE {
            for what in rows {
                line(samples, review.name, what, 3);
            }
        }
    }
    println!("\n### The process\n");
    head();
    for (what, decimals) in [(RESIDENT, 1), (FIRST_ANSWER, 1)] {
        line(samples, PROCESS, what, decimals);
    }
    let cells = |figure: fn(&Size) -> f64| {
        let of = |subject| sizes.iter().find(|(one, _)| *one == subject);
        let [ours, go] = [Subject::Meshmode, Subject::Go]
            .map(|subject| of(subject).map(|(_, size)| figure(size)));
        let ratio = go.zip(ours).map(|(go, ours)| go / ours);
        let shown =
            |figure: Option<f64>| figure.map_or("–".to_owned(), |figure| format!("{figure:.1}"));
        format!("{} | – | {} | – | {}", shown(ours), shown(go), shown(ratio))
    };
    println!("| binary, MiB | {} |", cells(|size| size.binary));
    println!("| image, MiB | {} |", cells(|size| size.image));
    println!(
        "\n### Goals\n\n| meshmode, times the … | review | goal | result (all rounds) | |\n|---|---|---|---|---|"
    );
    for goal in GOALS {
        goal.print(samples);
    }
}

fn head() {
    println!(
        "| | meshmode | constant | Go | meshmode ÷ constant | Go ÷ meshmode |\n|---|---|---|---|---|---|"
    );
}

fn line(samples: &Samples<Subject>, review: &'static str, what: &'static str, decimals: usize) {
    let row = row(review, what);
    let figures = Subject::ALL.map(|subject| {
        let spread = samples.of(row, subject);
        spread.map_or("–".to_owned(), |spread| {
            format!("{:.decimals$}", spread.median)
        })
    });
    let ratios = [
        (Subject::Meshmode, Subject::Constant),
        (Subject::Go, Subject::Meshmode),
    ]
    .map(|(one, other)| {
        let ratio = samples.ratio(row, one, other);
        ratio.map_or("–".to_owned(), |ratio| format!("{:.2}", ratio.median))
    });
    println!(
        "| {what} | {} | {} |",
        figures.join(" | "),
        ratios.join(" | ")
    );
}

// === impl Goal ===

impl Goal {
    fn print(&self, samples: &Samples<Subject>) {
        let Self(text, row, other, wanted) = *self;
        let Some(spread) = samples.ratio(row, Subject::Meshmode, other) else {
            return println!("| {text} | {} | – | not measured | |", row.of);
        };
        let Spread {
            median,
            least,
            most,
        } = spread;
        let (goal, met) = match wanted {
            Wanted::AtMost(most) => (format!("at most {most:.2}"), median <= most),
            Wanted::AtLeast(least) => (format!("at least {least:.0}"), median >= least),
        };
        let met = if met { "met" } else { "**missed**" };
        println!(
            "| {text} | {} | {goal} | {median:.2} ({least:.2} to {most:.2}) | {met} |",
            row.of
        );
    }
}
