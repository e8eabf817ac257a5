//! Plots of growth: both axes logarithmic, one line for each library.

use crate::scaling::Growth;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::error::Error;
use std::fmt::Write;
use std::path::Path;

const SIZE: (u32, u32) = (720, 420);

/// Writes the plot of `growth` to `path`, as SVG.
///
/// # Errors
///
/// There are no points, or the file cannot be written.
pub fn write(growth: &Growth, path: &Path) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    draw(growth, &area).map_err(|error| format!("the plot {}: {error}", growth.name))?;
    Ok(area.present()?)
}

fn draw(growth: &Growth, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Box<dyn Error>> {
    let points = || growth.series.iter().flat_map(|series| &series.points);
    let (first, last) = bounds(points().map(|point| f64::from(point.0)))?;
    let (least, most) = bounds(points().map(|point| point.1))?;
    // Room for the labels above the lines.
    let top = most * (most / least).powf(0.4).max(3.0);
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .margin_right(40)
        .caption(growth.work.replace('`', ""), ("sans-serif", 18))
        .x_label_area_size(40)
        .y_label_area_size(64)
        .build_cartesian_2d((first..last).log_scale(), (least / 2.0..top).log_scale())?;
    chart
        .configure_mesh()
        .x_desc(growth.over)
        .y_desc("ns")
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y}"))
        .draw()?;
    for (index, series) in growth.series.iter().enumerate() {
        let color = Palette99::pick(index).stroke_width(2);
        let line = series
            .points
            .iter()
            .map(|point| (f64::from(point.0), point.1));
        chart
            .draw_series(LineSeries::new(line, color).point_size(3))?
            .label(series.who)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .border_style(BLACK)
        .draw()?;
    Ok(())
}

fn bounds(values: impl Iterator<Item = f64>) -> Result<(f64, f64), Box<dyn Error>> {
    let (least, most) = values.fold((f64::INFINITY, 0.0_f64), |(least, most), value| {
        (least.min(value), most.max(value))
    });
    if least > most {
        return Err("there are no points".into());
    }
    Ok((least.max(f64::MIN_POSITIVE), most))
}

/// Returns the growths as a section of a page, with their figures and with links to the plots in
/// `folder`.
#[must_use]
pub fn markdown(growths: &[Growth], folder: &str) -> String {
    let mut text = String::from(
        "\n## How costs grow\n\nThe least of several rounds, in nanoseconds for one piece of the work.\n",
    );
    for growth in growths {
        let Growth {
            name, work, over, ..
        } = growth;
        let _ = write!(
            text,
            "\n### {work}\n\n![{name}][{folder}/{name}.svg]\n\n| {over} |"
        );
        let longest = growth
            .series
            .iter()
            .max_by_key(|series| series.points.len());
        let sizes: Vec<u32> = longest
            .map(|series| series.points.iter().map(|point| point.0).collect())
            .unwrap_or_default();
        for size in &sizes {
            let _ = write!(text, " {size} |");
        }
        let _ = writeln!(text, "\n|---|{}", "---|".repeat(sizes.len()));
        for series in &growth.series {
            let _ = write!(text, "| {} |", series.who);
            for size in &sizes {
                let point = series.points.iter().find(|point| point.0 == *size);
                let _ = match point {
                    Some((_, nanos)) => write!(text, " {nanos:.2} |"),
                    None => write!(text, " - |"),
                };
            }
            text.push('\n');
        }
    }
    // The images have labels, which the documentation of the core defines as addresses.
    text.push('\n');
    for Growth { name, .. } in growths {
        let _ = writeln!(text, "[{folder}/{name}.svg]: {folder}/{name}.svg");
    }
    text
}
