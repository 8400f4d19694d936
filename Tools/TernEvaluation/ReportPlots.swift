/// The drawings of the page, as inline SVG that takes its colours from the page's style.
struct Plot {
    /// Ends of the drawing area in the units of the view box, which are pixels at full size.
    let left = 46.0
    let top: Double
    let side: Double
    let height: Double
    let name: String
    let description: String
    private var body = ""

    /// - Parameters:
    ///   - name: what the drawing is, for readers that do not see it.
    ///   - top: room above the area, for names of lines.
    init(name: String, description: String, width: Double = 300, height: Double = 300, top: Double = 12) {
        self.name = name
        self.description = description
        self.top = top
        side = width
        self.height = height
    }

    func x(_ value: Double) -> Double { left + min(max(value, 0), 1) * side }
    func y(_ value: Double) -> Double { top + (1 - min(max(value, 0), 1)) * height }

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ kind: String) {
        body += "<line class=\"\(kind)\" x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\"/>\n"
    }

    mutating func text(_ x: Double, _ y: Double, _ content: String, anchor: String = "middle", _ kind: String = "tick", turned: Bool = false) {
        let turn = turned ? " transform=\"rotate(-90 \(number(x)) \(number(y)))\"" : ""
        body += "<text class=\"\(kind)\" x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\"\(turn)>\(Markup.escaped(content))</text>\n"
    }

    mutating func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ kind: String, hint: String) {
        body +=
            "<rect class=\"\(kind)\" x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" height=\"\(number(height))\">"
            + "<title>\(Markup.escaped(hint))</title></rect>\n"
    }

    mutating func circle(_ x: Double, _ y: Double, _ radius: Double, _ kind: String, hint: String) {
        body +=
            "<circle class=\"\(kind)\" cx=\"\(number(x))\" cy=\"\(number(y))\" r=\"\(number(radius))\">"
            + "<title>\(Markup.escaped(hint))</title></circle>\n"
    }

    mutating func path(_ points: [(Double, Double)], _ kind: String) {
        let steps = points.enumerated().map { "\($0 == 0 ? "M" : "L")\(number($1.0)) \(number($1.1))" }
        body += "<path class=\"\(kind)\" d=\"\(steps.joined())\"/>\n"
    }

    /// Grid, numbers and names of the axes of the unit square.
    mutating func unitAxes(horizontal: String, vertical: String) {
        for step in 0...4 {
            let value = Double(step) / 4
            line(x(value), y(0), x(value), y(1), step == 0 ? "axis" : "grid")
            line(x(0), y(value), x(1), y(value), step == 0 ? "axis" : "grid")
            text(x(value), y(0) + 16, fixed(value, 2))
            text(x(0) - 6, y(value) + 4, fixed(value, 2), anchor: "end")
        }
        text(x(0.5), y(0) + 36, horizontal, "name")
        text(11, y(0.5), vertical, "name", turned: true)
    }

    /// The finished drawing.
    var svg: String {
        let (width, total) = (left + side + 14, top + height + 44)
        return """
            <svg viewBox="0 0 \(number(width)) \(number(total))" role="img" aria-label="\(Markup.escaped(name + ". " + description))">
            <title>\(Markup.escaped(name))</title>
            \(body)</svg>
            """
    }
}

/// A coordinate with at most two decimals.
private func number(_ value: Double) -> String {
    let rounded = (value * 100).rounded() / 100
    return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
}

extension Plot {
    /// The receiver operating characteristic of a label with its operating points and their intervals.
    static func receiverOperatingCharacteristic(_ label: Evaluation.LabelFigures) -> String {
        var plot = Plot(
            name: "ROC of \(label.name)",
            description: label.auc.map { "Area \(fixed($0.value, 3))." } ?? "Undefined: the cases have one class only.")
        plot.unitAxes(horizontal: "1 − specificity", vertical: "sensitivity")
        plot.line(plot.x(0), plot.y(0), plot.x(1), plot.y(1), "chance")
        let points = plot.thinned(label.curve.corners())
        if !points.isEmpty {
            plot.path(points + [(plot.x(1), plot.y(0))], "area")
            plot.path(points, "curve")
        }
        var free = 0.0
        let marks = label.points.compactMap { point in
            point.rates.sensitivity.flatMap { found in point.rates.specificity.map { (point, sensitivity: found, specificity: $0) } }
        }
        // Names stand in a column under the curve, to the right of the points that they belong to, each below the one before.
        let column = (marks.map { plot.x(1 - $0.specificity.value) }.filter { $0 < plot.x(0.5) }.max() ?? 0) + 16
        for (point, sensitivity, specificity) in marks.sorted(by: { $0.sensitivity.value > $1.sensitivity.value }) {
            let (x, y) = (plot.x(1 - specificity.value), plot.y(sensitivity.value))
            let isFarRight = x >= plot.x(0.5)
            let at = max(y + 18, free)
            free = at + 16
            plot.line(x, y, isFarRight ? x - 7 : column - 3, at - 4, "leader")
            plot.line(plot.x(1 - specificity.low), y, plot.x(1 - specificity.high), y, "whisker")
            plot.line(x, plot.y(sensitivity.low), x, plot.y(sensitivity.high), "whisker")
            plot.circle(
                x, y, 4.5, point.isDefault ? "point default" : "point",
                hint:
                    "\(point.name), threshold \(point.threshold): sensitivity \(fixed(sensitivity.value, 3)), specificity \(fixed(specificity.value, 3))"
            )
            plot.text(isFarRight ? x - 9 : column, at, point.name, anchor: isFarRight ? "end" : "start", point.isDefault ? "label strong" : "label")
        }
        return plot.svg
    }

    /// Corners in the units of the drawing, without those that nobody could see.
    private func thinned(_ corners: [(falsePositiveRate: Double, truePositiveRate: Double)]) -> [(Double, Double)] {
        var kept: [(Double, Double)] = []
        for (index, corner) in corners.enumerated() {
            let point = (x(corner.falsePositiveRate), y(corner.truePositiveRate))
            if index > 0, index < corners.count - 1 {
                let (last, next) = (kept[kept.count - 1], corners[index + 1])
                let isStraight =
                    (last.0 == point.0 && point.0 == x(next.falsePositiveRate)) || (last.1 == point.1 && point.1 == y(next.truePositiveRate))
                if isStraight || (point.0 - last.0).magnitude + (point.1 - last.1).magnitude < 0.2 { continue }
            }
            kept.append(point)
        }
        return kept
    }

    /// Mean score against the share that is true, bin by bin, with Wilson intervals and the number of cases below.
    static func reliability(_ reliability: Reliability, name: String) -> String {
        let total = reliability.bins.reduce(0) { $0 + $1.count }
        let largest = Double(max(reliability.bins.map(\.count).max() ?? 1, 1))
        var plot = Plot(name: name, description: "Expected calibration error \(fixed(reliability.expectedCalibrationError, 4)) over \(total) images.")
        plot.unitAxes(horizontal: "score", vertical: "share that is true")
        plot.line(plot.x(0), plot.y(0), plot.x(1), plot.y(1), "chance")
        var points: [(Double, Double)] = []
        for bin in reliability.bins where bin.count > 0 {
            let (x, y) = (plot.x(bin.meanScore), plot.y(bin.observed))
            let hint =
                "scores \(fixed(bin.lower, 2)) to \(fixed(bin.upper, 2)): \(bin.count) images, mean score \(fixed(bin.meanScore, 3)), "
                + "\(fixed(bin.observed, 3)) true"
            let height = 44 * Double(bin.count) / largest
            plot.rectangle(plot.x(bin.lower) + 1, plot.y(0) - height, plot.x(bin.upper) - plot.x(bin.lower) - 2, height, "count", hint: hint)
            points.append((x, y))
        }
        plot.path(points, "thread")
        for bin in reliability.bins {
            guard let share = wilson(Int((bin.observed * Double(bin.count)).rounded()), of: bin.count) else { continue }
            let x = plot.x(bin.meanScore)
            plot.line(x, plot.y(share.low), x, plot.y(share.high), "whisker")
            plot.circle(
                x, plot.y(bin.observed), 4, "point default",
                hint: "\(bin.count) images: mean score \(fixed(bin.meanScore, 3)), \(fixed(bin.observed, 3)) true")
        }
        return plot.svg
    }

    /// Scores of a label: the images that have it upwards, the others downwards, each as shares of their own.
    static func scores(_ label: Evaluation.LabelFigures, others: String) -> String {
        let binCount = 25
        let thresholds = label.points.sorted { $0.threshold < $1.threshold }
        var plot = Plot(
            name: "Scores of \(label.name)", description: "Images with it upwards, without it downwards, with the thresholds.", height: 230,
            top: 12 + 14 * Double(thresholds.count))
        var shares = [[Double]](repeating: [Double](repeating: 0, count: binCount), count: 2)
        var counts = [0, 0]
        for (score, isPositive) in zip(label.curve.scores, label.curve.isPositive) {
            let bin = min(max(Int(score * Float(binCount)), 0), binCount - 1)
            shares[isPositive ? 1 : 0][bin] += 1
            counts[isPositive ? 1 : 0] += 1
        }
        for kind in 0..<2 { for bin in 0..<binCount { shares[kind][bin] /= Double(max(counts[kind], 1)) } }
        let largest = max(shares.flatMap { $0 }.max() ?? 1, 0.001)
        let middle = plot.y(0.5)
        for bin in 0..<binCount {
            let (low, high) = (Double(bin) / Double(binCount), Double(bin + 1) / Double(binCount))
            for kind in 0..<2 where shares[kind][bin] > 0 {
                let height = shares[kind][bin] / largest * (plot.height / 2 - 6)
                let images = Int((shares[kind][bin] * Double(counts[kind])).rounded())
                plot.rectangle(
                    plot.x(low) + 0.75, kind == 1 ? middle - height : middle, plot.x(high) - plot.x(low) - 1.5, height,
                    kind == 1 ? "positive" : "negative",
                    hint: "\(kind == 1 ? label.name : others), score \(fixed(low, 2)) to \(fixed(high, 2)): \(images) of \(counts[kind])")
            }
        }
        plot.line(plot.x(0), middle, plot.x(1), middle, "axis")
        for step in 0...4 { plot.text(plot.x(Double(step) / 4), plot.y(0) + 16, fixed(Double(step) / 4, 2)) }
        plot.text(plot.x(0.5), plot.y(0) + 36, "score of \(label.name)", "name")
        plot.text(11, middle - plot.height / 4, "\(label.name), \(counts[1])", "name positive-text", turned: true)
        plot.text(11, middle + plot.height / 4, "\(others), \(counts[0])", "name negative-text", turned: true)
        for (row, point) in thresholds.enumerated() {
            let x = plot.x(Double(point.threshold))
            let at = 12 + 14 * Double(row)
            plot.line(x, at + 3, x, plot.y(0), point.isDefault ? "threshold default" : "threshold")
            let isFarRight = point.threshold > 0.5
            let name = point.name == "\(point.threshold)" ? point.name : "\(point.name) \(point.threshold)"
            plot.text(isFarRight ? x - 4 : x + 4, at, name, anchor: isFarRight ? "end" : "start", point.isDefault ? "label strong" : "label")
        }
        return plot.svg
    }

    /// Scores of the out-of-distribution gate with its threshold; the last bar holds everything beyond.
    static func gate(_ gate: Evaluation.Gate) -> String {
        let binCount = 30
        let end = max(Double(gate.threshold) * 1.5, 0.01)
        var counts = [Int](repeating: 0, count: binCount)
        for score in gate.scores {
            let place = Double(score) / end * Double(binCount)
            counts[place < Double(binCount) ? max(Int(place), 0) : binCount - 1] += 1
        }
        let largest = Double(max(counts.max() ?? 1, 1))
        var plot = Plot(
            name: "Out-of-distribution scores", description: "\(gate.flagged) of \(gate.scores.count) above the threshold.", height: 180, top: 26)
        for (bin, count) in counts.enumerated() where count > 0 {
            let (low, high) = (Double(bin) / Double(binCount), Double(bin + 1) / Double(binCount))
            let height = Double(count) / largest * (plot.height - 6)
            plot.rectangle(
                plot.x(low) + 0.75, plot.y(0) - height, plot.x(high) - plot.x(low) - 1.5, height,
                (low + high) / 2 * end > Double(gate.threshold) ? "positive" : "negative",
                hint: "\(fixed(low * end, 2)) \(bin == binCount - 1 ? "and more" : "to " + fixed(high * end, 2)): \(count) images")
        }
        plot.line(plot.x(0), plot.y(0), plot.x(1), plot.y(0), "axis")
        for step in 0...3 { plot.text(plot.x(Double(step) / 3), plot.y(0) + 16, fixed(Double(step) / 3 * end, 2)) }
        plot.text(plot.x(0.5), plot.y(0) + 36, "distance from ordinary images", "name")
        let x = plot.x(Double(gate.threshold) / end)
        plot.line(x, 15, x, plot.y(0), "threshold default")
        plot.text(x, 12, "threshold \(gate.threshold)", "label strong")
        return plot.svg
    }
}
