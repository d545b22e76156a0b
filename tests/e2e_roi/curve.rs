//! A quantity over time, whose integrals are exact: it rises in a straight line and falls in one.

/// From `low` to `high` and back, in `period` seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Curve {
    low: f64,
    high: f64,
    period: f64,
    /// How far into its period it is at 0.
    phase: f64,
}

/// A straight piece: from a time to a time, and the value at both.
struct Piece {
    from: f64,
    to: f64,
    at_from: f64,
    at_to: f64,
}

// === impl Curve ===

impl Curve {
    /// The same at all times.
    pub(crate) const fn flat(value: f64) -> Self {
        Self {
            low: value,
            high: value,
            period: 1e12,
            phase: 0.0,
        }
    }

    /// From `low` to `high` and back in `hours`, and `phase` of that (0 to 1) gone by at time 0.
    pub(crate) fn wave(low: f64, high: f64, hours: f64, phase: f64) -> Self {
        let period = hours * 3600.0;
        Self {
            low,
            high,
            period,
            phase: phase * period,
        }
    }

    /// Its value at a time, in seconds.
    pub(crate) fn at(&self, time: f64) -> f64 {
        let gone = (time + self.phase).rem_euclid(self.period) / self.period;
        let share = 1.0 - (2.0 * gone - 1.0).abs();
        self.low + (self.high - self.low) * share
    }

    /// The integral from a time to another, in value × seconds.
    pub(crate) fn integral(&self, from: f64, to: f64) -> f64 {
        let area = |piece: Piece| trapezoid(piece.to - piece.from, piece.at_from, piece.at_to);
        self.pieces(from, to).map(area).sum()
    }

    /// The integral of the larger of it and `level`.
    pub(crate) fn integral_of_max(&self, level: f64, from: f64, to: f64) -> f64 {
        self.pieces(from, to).map(|piece| piece.max(level)).sum()
    }

    /// Cut where the curve turns.
    fn pieces(&self, from: f64, to: f64) -> impl Iterator<Item = Piece> {
        let half = self.period / 2.0;
        let mut begin = from;
        std::iter::from_fn(move || {
            if begin >= to {
                return None;
            }
            let turns = (((begin + self.phase) / half).floor() + 1.0) * half - self.phase;
            // A turn that rounding puts where the piece begins would make an empty piece for ever.
            let end = if turns - begin < 1e-6 {
                turns + half
            } else {
                turns
            }
            .min(to);
            let piece = Piece {
                from: begin,
                to: end,
                at_from: self.at(begin),
                at_to: self.at(end),
            };
            begin = end;
            Some(piece)
        })
    }
}

// === impl Piece ===

impl Piece {
    /// The integral of the larger of it and `level`.
    fn max(&self, level: f64) -> f64 {
        let long = self.to - self.from;
        let (low, high) = (self.at_from.min(self.at_to), self.at_from.max(self.at_to));
        if high <= level {
            return level * long;
        }
        if low >= level {
            return trapezoid(long, low, high);
        }
        let above = long * (high - level) / (high - low);
        level * (long - above) + trapezoid(above, level, high)
    }
}

fn trapezoid(long: f64, one: f64, other: f64) -> f64 {
    long * f64::midpoint(one, other)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By many small steps, each at its middle.
    fn by_steps(from: f64, to: f64, value: impl Fn(f64) -> f64) -> f64 {
        const STEPS: u32 = 200_000;
        let wide = (to - from) / f64::from(STEPS);
        let middle = |step: u32| from + (f64::from(step) + 0.5) * wide;
        (0..STEPS).map(|step| value(middle(step)) * wide).sum()
    }

    #[test]
    fn integrals_are_what_small_steps_add_up_to() {
        let table = [
            ("flat", Curve::flat(0.3), 0.1, 0.0, 5000.0),
            ("flat below the level", Curve::flat(0.3), 0.5, 0.0, 5000.0),
            (
                "a wave through the level",
                Curve::wave(0.1, 0.9, 1.0, 0.0),
                0.4,
                0.0,
                40_000.0,
            ),
            (
                "begun in its middle",
                Curve::wave(0.0, 2.0, 0.7, 0.3),
                1.9,
                123.0,
                9_876.0,
            ),
            (
                "a part of one piece",
                Curve::wave(1.0, 2.0, 24.0, 0.1),
                1.3,
                50.0,
                60.0,
            ),
            (
                "from where it turns",
                Curve::wave(1.0, 3.0, 2.0, 0.5),
                2.0,
                3600.0,
                10_800.0,
            ),
            (
                "at a real time",
                Curve::wave(1.0, 3.0, 5.0, 0.2),
                2.0,
                1.791e9,
                1.791e9 + 43_200.0,
            ),
        ];
        for (name, curve, level, from, to) in table {
            let near = |exact: f64, steps: f64| {
                assert!(
                    (exact - steps).abs() < 1e-5 * steps,
                    "{name}: {exact}, {steps}"
                );
            };
            near(
                curve.integral(from, to),
                by_steps(from, to, |time| curve.at(time)),
            );
            let larger = by_steps(from, to, |time| curve.at(time).max(level));
            near(curve.integral_of_max(level, from, to), larger);
        }
    }
}
