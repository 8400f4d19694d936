public import TernConvert

/// The page of `tern eval --report`: one HTML file that needs nothing else, neither script nor network.
///
/// Every figure stands in a `data` element with its exact value and, as `data-key`, its path in the JSON of the same evaluation. The page is
/// well-formed XML too, and the same evaluation gives the same bytes.
public struct Report {
    let evaluation: Evaluation
    let subject: EvaluationSubject
    let card: JSONValue
    let command: String

    /// - Parameters:
    ///   - card: the model's card; intended use, limits, training data and licence are shown.
    ///   - command: what a person types to get these figures again.
    public init(_ evaluation: Evaluation, subject: EvaluationSubject, card: JSONValue, command: String) {
        self.evaluation = evaluation
        self.subject = subject
        self.card = card
        self.command = command
    }

    public var html: String {
        let title = Markup.escaped("\(subject.model) \(subject.version) on \(subject.data)")
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8"/>
            <meta name="viewport" content="width=device-width, initial-scale=1"/>
            <meta name="generator" content="tern eval"/>
            <title>\(title)</title>
            <style>
            \(reportStyle)
            </style>
            </head>
            <body>
            <main>
            \(header)
            \(tiles)
            \(classes)
            \(evaluation.labels.indices.map(label).joined())
            \(calibration)
            \(gate)
            \(mistakes)
            \(aboutModel)
            \(methods)
            </main>
            </body>
            </html>

            """
    }

    private var header: String {
        let clinical = card["clinicalUse"]?.boolean == true
        return """
            <header>
            <p class="eyebrow">Evaluation of a model, computed in the engine that runs it</p>
            <h1>\(Markup.escaped("\(subject.model) \(subject.version)"))</h1>
            <p class="about">\(Markup.count("images", evaluation.count)) images of \(Markup.escaped(subject.data)). Kernel table \
            \(Markup.escaped(subject.instructionSet)); every table and thread count gives the same bits. Model file
            <code>\(Markup.escaped(subject.identity))</code></p>
            \(clinical ? "" : "<p class=\"warning\">Not for clinical use. What the model is for and its limits stand at the end of this page.</p>")
            </header>
            """
    }

    /// The headline figures with their intervals drawn on 0 … 1.
    private var tiles: String {
        var tiles = [
            tile("Accuracy of the largest score", "accuracy", evaluation.accuracy, isShare: true),
            tile(evaluation.classNames.count > 2 ? "Mean AUC, each class against the rest" : "AUC", "auc", evaluation.auc, isShare: false),
        ]
        if evaluation.classNames.count > 2 || evaluation.options.isOrdinal {
            tiles.append(tile("Kappa, quadratic weights", "quadraticKappa", evaluation.quadraticKappa, isShare: false))
        }
        if evaluation.classNames.count == 2, let index = evaluation.labels.indices.first,
            let place = evaluation.labels[index].points.firstIndex(where: \.isDefault)
        {
            let point = evaluation.labels[index].points[place]
            let key = "labels.\(index).operatingPoints.\(place)"
            tiles.append(tile("Sensitivity at \(point.name)", key + ".sensitivity", point.rates.sensitivity, isShare: true))
            tiles.append(tile("Specificity at \(point.name)", key + ".specificity", point.rates.specificity, isShare: true))
        } else {
            tiles.append(tile("Macro F1", "macroF1", evaluation.macroF1, isShare: false))
        }
        return "<div class=\"tiles\">\n" + tiles.joined(separator: "\n") + "\n</div>"
    }

    private func tile(_ name: String, _ key: String, _ interval: Interval?, isShare: Bool) -> String {
        tile(name, key, interval.map { Estimate($0) }, isShare: isShare)
    }

    private func tile(_ name: String, _ key: String, _ estimate: Estimate?, isShare: Bool) -> String {
        var bar = ""
        if let estimate, let interval = estimate.interval {
            func place(_ value: Double) -> Double { (min(max(value, 0), 1) * 1000).rounded() / 10 }
            let (low, high, value) = (place(interval.lowerBound), place(interval.upperBound), place(estimate.value))
            bar = """
                <svg viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="on a scale of 0 to 1"><rect class="track" x="0" y="4" \
                width="100" height="2"/><rect class="range" x="\(low)" y="2" width="\(max(high - low, 0.5))" height="6"/><rect class="mark" \
                x="\(max(value - 0.4, 0))" y="0" width="0.8" height="10"/></svg>
                """
        }
        return "<div class=\"tile\"><h3>\(Markup.escaped(name))</h3><p>\(Markup.interval(key, estimate, isShare: isShare))</p>\(bar)</div>"
    }

    private var classes: String {
        let rows = evaluation.perClass.enumerated().map { index, one in
            let key = "perClass.\(index)"
            return [
                Markup.escaped(one.name), Markup.count(key + ".count", one.count),
                Markup.interval(key + ".sensitivity", one.rates.sensitivity, isShare: true),
                Markup.interval(key + ".specificity", one.rates.specificity, isShare: true),
                Markup.interval(key + ".precision", one.rates.precision, isShare: true), Markup.figure(key + ".f1", one.rates.f1),
                Markup.interval(key + ".auc", one.auc, isShare: false),
            ]
        }
        let agreement =
            [
                ["Accuracy", Markup.interval("accuracy", evaluation.accuracy, isShare: true)],
                ["Macro F1", Markup.interval("macroF1", evaluation.macroF1, isShare: false)],
                ["Cohen’s kappa", Markup.interval("kappa", evaluation.kappa, isShare: false)],
            ]
            + (evaluation.classNames.count > 2 || evaluation.options.isOrdinal
                ? [["Kappa, quadratic weights", Markup.interval("quadraticKappa", evaluation.quadraticKappa, isShare: false)]] : [])
            + (evaluation.ordinal.map {
                [
                    ["Grades off, mean", Markup.interval("ordinal.meanAbsoluteError", $0.meanAbsoluteError, isShare: false)],
                    ["Within one grade", Markup.interval("ordinal.withinOne", $0.withinOne, isShare: true)],
                ]
            } ?? [])
        return """
            <section>
            <h2>Calls by the largest score</h2>
            <p>Each image is called the class with the largest score, whatever its threshold.</p>
            <div class="pair">
            <div class="confusion">\(confusionTable)</div>
            \(Markup.table(caption: "Agreement with the truth", head: ["Figure", "Value, 95\u{202F}% interval"], rows: agreement))
            </div>
            \(Markup.table(
                caption: "Each class against all others", head: ["Class", "Images", "Sensitivity", "Specificity", "Precision", "F1", "AUC"], rows: rows))
            </section>
            """
    }

    /// Counts of truth against call; the ground of a cell is its share of the row.
    private var confusionTable: String {
        let names = evaluation.classNames.map { Markup.escaped($0) }
        let rows = evaluation.confusion.counts.enumerated().map { row, counts in
            let total = max(counts.reduce(0, +), 1)
            let cells = counts.enumerated().map { column, count in
                let share = Double(count) / Double(total)
                let colour = row == column ? "--accent" : "--positive"
                return "<td style=\"background:color-mix(in srgb,var(\(colour)) \(Int((share * 55).rounded()))%,var(--raised))\">"
                    + Markup.count("confusion.counts.\(row).\(column)", count) + "<small>\(fixed(share * 100, 1))\u{202F}%</small></td>"
            }
            return "<tr><th scope=\"row\">\(names[row])</th>\(cells.joined())</tr>"
        }
        return """
            <p class="caption">Rows: truth; columns: call; shares of the row</p>
            <div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix"><table>
            <thead><tr><td></td>\(names.map { "<th scope=\"col\">\($0)</th>" }.joined())</tr></thead>
            <tbody>\(rows.joined(separator: "\n"))</tbody></table></div>
            """
    }
}
