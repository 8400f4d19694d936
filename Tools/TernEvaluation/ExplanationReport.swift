public import TernConvert

/// The page of `tern explain --evaluate --report`: one HTML file that needs nothing else, neither script nor network.
///
/// Every figure stands in a `data` element with its exact value and, as `data-key`, its path in the JSON of the same figures. The page is well-formed XML
/// too, and the same figures give the same bytes.
public struct ExplanationReport {
    let figures: Faithfulness
    let subject: ExplanationSubject
    let card: JSONValue

    public init(_ figures: Faithfulness, subject: ExplanationSubject, card: JSONValue) {
        self.figures = figures
        self.subject = subject
        self.card = card
    }

    public var html: String {
        let title = Markup.escaped("Maps of \(subject.model) \(subject.version) on \(subject.data)")
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8"/>
            <meta name="viewport" content="width=device-width, initial-scale=1"/>
            <meta name="generator" content="tern explain"/>
            <title>\(title)</title>
            <style>
            \(reportStyle)
            \(lineStyle)
            </style>
            </head>
            <body>
            <main>
            \(header)
            \(areas)
            \(shuffled)
            \(method)
            </main>
            </body>
            </html>

            """
    }

    private var header: String {
        let clinical = card["clinicalUse"]?.boolean == true
        return """
            <header>
            <p class="eyebrow">Where a model looks, and how far that can be trusted</p>
            <h1>\(Markup.escaped("\(subject.model) \(subject.version)"))</h1>
            <p class="about">Maps of \(subject.columns) × \(subject.rows) patches (\(Markup.escaped(subject.method))) of \(Markup.escaped(subject.explained)), on
            \(Markup.count("images", figures.count)) images of \(Markup.escaped(subject.data)). Kernel table \(Markup.escaped(subject.instructionSet)); every table
            and thread count gives the same bits. Model file <code>\(Markup.escaped(subject.identity))</code></p>
            <p class="warning">A map says which patches made this model's output. It outlines no lesion, and a plausible map does not make a wrong output right.\
            \(clinical ? "" : " Not for clinical use.")</p>
            </header>
            """
    }

    private var areas: String {
        let rows = figures.methods.enumerated().map { index, one in
            let key = "methods.\(index)"
            return [
                Markup.escaped(one.name), Markup.interval(key + ".deletion", one.deletion, isShare: false), beside(key, "deletion", one.deletionLessRandom, one.deletionBetter),
                Markup.interval(key + ".insertion", one.insertion, isShare: false), beside(key, "insertion", one.insertionLessRandom, one.insertionBetter),
                one.rankCorrelation.map { Markup.interval(key + ".rankCorrelation", $0, isShare: false) } ?? "",
            ]
        }
        let table = Markup.table(
            caption: "Areas under the mean score, 95\u{202F}% interval",
            head: ["Order of patches", "Deletion", "less random order", "Insertion", "less random order", "Rank correlation with the model's map"], rows: rows)
        return """
            <section>
            <h2>Taking patches away and putting them back</h2>
            <p>Patches are taken away in the order of a map and the score is followed: a faithful map makes it fall at once, so a small deletion area is good. Put
            back into an image without structure in the same order, they make it rise at once: a large insertion area is good. Deleted patches become
            \(words(subject.deletion)); insertion begins with \(words(subject.insertion)). The mean score is \(Markup.figure("scores.image", subject.score)), with everything
            deleted \(Markup.figure("scores.deleted", subject.scoreDeleted)), before insertion \(Markup.figure("scores.beforeInsertion", subject.scoreBeforeInsertion)).</p>
            <div class="pair">
            \(plot("Deletion", "share of patches taken away", \.deletion))
            \(plot("Insertion", "share of patches put back", \.insertion))
            </div>
            \(table)
            </section>
            """
    }

    private func beside(_ key: String, _ what: String, _ difference: Estimate?, _ better: Interval?) -> String {
        guard let difference, let better else { return "" }
        return Markup.interval("\(key).\(what)LessRandom", difference, isShare: false)
            + "<span class=\"interval\">better on \(Markup.percent("\(key).\(what)Better.value", better.value))</span>"
    }

    private func plot(_ name: String, _ axis: String, _ curve: KeyPath<MapCurves, [Double]>) -> String {
        var plot = Plot(name: name, description: "mean score over the share of changed patches", width: 300, height: 220)
        plot.unitAxes(horizontal: axis, vertical: "mean score")
        for (index, method) in figures.methods.enumerated().reversed() {
            plot.path(zip(figures.shares, method.curves[keyPath: curve]).map { (plot.x($0), plot.y($1)) }, index == 0 ? "curve" : "other other\(min(index, 6))")
        }
        let key = figures.methods.enumerated().map { index, method in
            "<li><svg viewBox=\"0 0 34 8\" aria-hidden=\"true\"><path class=\"\(index == 0 ? "curve" : "other other\(min(index, 6))")\" d=\"M1 4L33 4\"/></svg> \(Markup.escaped(method.name))</li>"
        }
        return "<figure><figcaption><b>\(name)</b></figcaption>\n\(plot.svg)\n<ul class=\"key\">\(key.joined())</ul></figure>"
    }

    private var shuffled: String {
        guard let changes = figures.changesWithWeights else { return "" }
        let rows = figures.stages.enumerated().map { index, stage in
            let key = "shuffled.stages.\(index)"
            return [
                Markup.escaped(stage.name), Markup.interval(key + ".rankCorrelation", stage.rankCorrelation, isShare: false),
                Markup.interval(key + ".magnitude", stage.magnitude, isShare: false), Markup.count(key + ".images", stage.count),
            ]
        }
        let verdict =
            changes
            ? "With all weights shuffled the map is another one: it shows the model, not the image alone."
            : "The map hardly changes when all weights are shuffled: it shows the image and not the model, and must not be used."
        return """
            <section>
            <h2>Shuffled weights</h2>
            <p>The weights of the same model are brought into a random order, from the output backwards. A map of what was learnt changes with them.</p>
            <p\(changes ? "" : " class=\"warning\"")><b>\(changes ? "Passes." : "Fails.")</b> \(verdict) The limit of the mean magnitude is
            \(Markup.figure("shuffled.limit", Faithfulness.largestShuffledCorrelation, 1)).</p>
            \(Markup.table(
                caption: "Rank correlation with the map of the model as it is", head: ["Shuffled", "Correlation", "Magnitude", "Images"], rows: rows))
            </section>
            """
    }

    private var method: String {
        let gap = figures.largestGap.map { "<p>Shares and base add up to the outputs that decide the score within <data data-key=\"largestGap\" value=\"\($0)\">\($0)</data>.</p>" } ?? ""
        return """
            <section>
            <h2>How it was measured</h2>
            \(gap)
            <p>Areas after Petsiuk et al. 2018 (arXiv:1806.07421) by trapezia over the share of changed patches, of the score after the model's temperature, in the
            engine that runs the model. Intervals are 95\u{202F}% by a bootstrap over images, those of shares of images Wilson's. Shuffled weights after Adebayo et al. 2018
            (arXiv:1810.03292); rank correlation is Spearman's.</p>
            </section>
            """
    }

    private func words(_ absence: Absence) -> String {
        switch absence {
        case .mean: "the image's own mean"
        case .blur: "the image blurred by a patch's side"
        case .zero: "the grey of the training images' mean"
        }
    }
}

/// Lines of the other methods: by dash and colour, so that neither alone tells them.
private let lineStyle = """
    svg .other{fill:none;stroke:var(--soft);stroke-width:1.5;stroke-linejoin:round}
    svg .other1{stroke-dasharray:2 3}svg .other2{stroke:var(--positive)}svg .other3{stroke:var(--positive);stroke-dasharray:7 3}
    svg .other4{stroke:var(--soft);stroke-dasharray:7 3}svg .other5{stroke:var(--ink);stroke-width:1}svg .other6{stroke:var(--ink);stroke-dasharray:1 2}
    .key{list-style:none;padding:0;margin:.4rem 0;font-size:.88rem}.key svg{display:inline-block;width:34px;height:8px;vertical-align:middle}
    """
