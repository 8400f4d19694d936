import Foundation

extension Evaluation {
    /// The figures for a terminal.
    public var text: String {
        var lines = [row("images", "\(count), " + perClass.map { "\($0.name) \($0.count)" }.joined(separator: ", "))]
        lines.append(row("accuracy", "\(described(accuracy)) of the largest score"))
        let method = aucMethod.map { $0 == .deLong ? " (DeLong)" : " (bootstrap)" } ?? ""
        lines.append(row(classNames.count > 2 ? "mean AUC" : "AUC", described(auc) + method))
        lines.append(row("macro F1", described(macroF1)))
        lines.append(row("kappa", described(kappa)))
        if classNames.count > 2 || options.isOrdinal { lines.append(row("quadratic kappa", described(quadraticKappa))) }
        if let ordinal {
            lines.append(row("grades off", "\(described(ordinal.meanAbsoluteError)) on average"))
            lines.append(row("within one grade", described(ordinal.withinOne)))
        }
        lines.append(row("Brier score", "\(fixed(brier.after)), \(fixed(brier.before)) before temperature"))
        if let positiveBrier {
            lines.append(row("  of the label", "\(fixed(positiveBrier.after)), \(fixed(positiveBrier.before)) before temperature"))
        }
        lines.append(row("calibration error", "\(errors(reliability)) of the largest score"))
        if let gate {
            lines.append(row("out of distribution", "\(gate.flagged) flagged above \(gate.threshold), share \(described(gate.share))"))
        }
        for label in labels { lines += ["", "\(label.name): \(label.positives) positive"] + describe(label) }
        if classNames.count > 2 { lines += [""] + classTable }
        lines += ["", "confusion (rows: truth, columns: call)"] + confusionTable
        return lines.joined(separator: "\n")
    }

    private func describe(_ label: LabelFigures) -> [String] {
        var lines = [row("AUC", described(label.auc)), row("calibration error", errors(label.reliability))]
        for point in label.points {
            lines.append("  at \(point.name)\(point.isDefault ? " (default)" : ""), threshold \(point.threshold):")
            lines.append(row("    accuracy", described(point.rates.accuracy)))
            lines.append(row("    sensitivity", described(point.rates.sensitivity)))
            lines.append(row("    specificity", described(point.rates.specificity)))
            lines.append(row("    PPV", described(point.rates.precision)))
            lines.append(row("    NPV", described(point.rates.negativePredictiveValue)))
            lines.append(row("    F1", point.rates.f1.map(fixed) ?? "undefined"))
        }
        return lines
    }

    private var classTable: [String] {
        let width = (classNames.map(\.count).max() ?? 0) + 2
        let heads = ["images", "sensitivity", "specificity", "precision", "F1", "AUC"]
        var lines = [padded("class", width) + heads.map { padded($0, 12, left: true) }.joined()]
        for one in perClass {
            let values = [one.rates.sensitivity?.value, one.rates.specificity?.value, one.rates.precision?.value, one.rates.f1, one.auc?.value]
            lines.append(
                padded(one.name, width) + padded("\(one.count)", 12, left: true)
                    + values.map { padded($0.map(fixed) ?? "undefined", 12, left: true) }.joined())
        }
        return lines
    }

    private var confusionTable: [String] {
        let width = (classNames.map(\.count).max() ?? 0) + 2
        let column = max(7, width)
        return [padded("", width) + classNames.map { padded($0, column, left: true) }.joined()]
            + zip(classNames, confusion.counts).map { name, counts in
                padded(name, width) + counts.map { padded("\($0)", column, left: true) }.joined()
            }
    }

    private func errors(_ reliability: Calibrated<Reliability>) -> String {
        "\(fixed(reliability.after.expectedCalibrationError)), \(fixed(reliability.before.expectedCalibrationError)) before temperature"
    }

    private func row(_ name: String, _ value: String) -> String { padded(name, 21) + value }

    private func described(_ interval: Interval?) -> String { described(interval.map { Estimate($0) }) }

    private func described(_ estimate: Estimate?) -> String {
        guard let estimate else { return "undefined: a class is missing" }
        guard let interval = estimate.interval else { return "\(fixed(estimate.value))  (95 % interval not computed)" }
        return "\(fixed(estimate.value))  (95 % interval \(fixed(interval.lowerBound)) to \(fixed(interval.upperBound)))"
    }
}

/// A figure with four decimals.
func fixed(_ value: Double) -> String { fixed(value, 4) }

/// A figure with a fixed count of decimals.
func fixed(_ value: Double, _ decimals: Int) -> String { String(format: "%.\(decimals)f", value) }

/// `text` filled with spaces to `width`, on the left for numbers.
func padded(_ text: String, _ width: Int, left: Bool = false) -> String {
    let space = String(repeating: " ", count: max(width - text.count, 0))
    return left ? space + text : text + space
}
