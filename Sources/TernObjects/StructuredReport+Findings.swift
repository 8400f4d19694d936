import TernFindings
import TernImage
import TernPlatform

extension ObjectContext {
    /// TID 4019.
    func addAlgorithm(to item: inout ContentItem) {
        item.add(.modifier, ContentItem.text(Term.algorithmName, model.reference.name, text))
        item.add(.modifier, ContentItem.text(Term.algorithmVersion, model.reference.version, text))
        item.add(.modifier, ContentItem.text(Term.algorithmManufacturer, Self.manufacturer, text))
        item.add(.modifier, ContentItem.text(Term.algorithmParameters, "model file " + model.reference.digest, text))
        if let digest = result.input.sha256 { item.add(.modifier, ContentItem.text(Term.algorithmParameters, "input SHA-256 " + digest, text)) }
        item.add(.modifier, ContentItem.code(Term.algorithmFamily, Term.dicom("123110", "Artificial Intelligence"), text))
    }

    /// TID 1501: what the model says of one label. Finding and its certainty are there only of a positive call: who knows no codes of ours takes the
    /// label for found wherever a Finding names it. The label itself is a qualitative evaluation: present, absent or undetermined.
    func group(of finding: Finding) -> ContentItem {
        var group = begin("1501", finding.label, finding, number: 0)
        if let site = model.region?.code { group.add(.modifier, ContentItem.code(Term.findingSite, site, text)) }
        addAlgorithm(to: &group)
        if finding.isCalibrated && finding.call == .positive {
            group.add(.contains, ContentItem.number(Term.certainty, finding.score * 100, unit: Term.percent, text))
        }
        group.add(.contains, ContentItem.number(Term.score, finding.score, unit: Term.noUnits, text))
        if let threshold = finding.threshold { group.add(.contains, ContentItem.number(Term.threshold, threshold, unit: Term.noUnits, text)) }
        group.add(.contains, ContentItem.code(Self.term(of: finding), Term.presence(of: finding), text))
        group.add(.contains, ContentItem.code(Term.call, Term.call(of: finding), text))
        group.add(.contains, ContentItem.code(Term.tier, Term.tier(finding.tier), text))
        if let words = operatingPoint(of: finding) { group.add(.contains, ContentItem.text(Term.operatingPoint, words, text)) }
        group.add(.contains, ContentItem.image(Term.sourceOfMeasurement, source, frame: finding.frame, text))
        return group
    }

    /// TID 1410: one region of a finding, a box over the image; of a label that a person decides it is no Finding either.
    func group(of region: FindingRegion, number: Int, of finding: Finding, _ method: LocationMap.Method) -> ContentItem {
        var group = begin("1410", finding.label + ", region \(number)", finding, number: number)
        group.add(.modifier, ContentItem.code(Term.method, Self.term(method), text))
        if let site = model.region?.code {
            var item = ContentItem.code(Term.findingSite, site, text)
            if let side = region.side { item.add(.modifier, ContentItem.code(Term.laterality, Self.term(side), text)) }
            group.add(.modifier, item)
        }
        addAlgorithm(to: &group)
        group.add(.modifier, ContentItem.code(Term.renderingIntent, Term.dicom("111151", "Presentation Optional: Rendering device may present"), text))
        group.add(.modifier, ContentItem.code(Term.regionPurpose, Term.snomed("75958009", "Bounded by"), text))
        let (left, top) = (Float(region.box.x), Float(region.box.y))
        let (right, bottom) = (Float(region.box.x + region.box.width), Float(region.box.y + region.box.height))
        var outline = ContentItem.polyline(Term.region, [left, top, right, top, right, bottom, left, bottom, left, top], text)
        outline.add(.selectedFrom, ContentItem.image(nil, source, frame: finding.frame, text))
        group.add(.contains, outline)
        // A tenth of a percent is what a share has: 0.323 times 100 would be 32.300003.
        group.add(.contains, ContentItem.number(Term.share, (region.share * 1000).rounded() / 10, unit: Term.percent, text))
        group.add(.contains, ContentItem.code(Self.term(of: finding), Term.presence(of: finding), text))
        return group
    }

    /// What both kinds of groups begin with. The same label of the same image keeps its tracking identifier from one model to the next.
    private func begin(_ template: String, _ name: String, _ finding: Finding, number: Int) -> ContentItem {
        var group = ContentItem.container(Term.group, template: template, text)
        group.add(.context, ContentItem.text(Term.trackingIdentifier, name, text))
        var parts = [Array(source.instanceUID.utf8), Array(model.reference.name.utf8), Array(finding.label.utf8)]
        if number > 0 { parts.append(Array(String(number).utf8)) }
        group.add(.context, ContentItem.identifier(Term.trackingUID, UniqueIdentifier.derived("tracking", from: parts), text))
        if finding.call == .positive { group.add(.contains, ContentItem.code(Term.finding, Self.term(of: finding), text)) }
        return group
    }

    /// The label's code, or one made of its name where the model file has none.
    private static func term(of finding: Finding) -> CodedTerm {
        if let code = finding.code { return code }
        return CodedTerm(
            scheme: "99TERN", value: "L-" + Hexadecimal.string(Array(Digest.sha256(Array(finding.label.utf8)).prefix(6))), meaning: finding.label)
    }

    private static func term(_ method: LocationMap.Method) -> CodedTerm {
        switch method {
        case .patchShares: Term.own("PATCH-SHARES", "Share of each patch in the output")
        case .tokenRelevance: Term.own("TOKEN-RELEVANCE", "Attention and value norms through the layers")
        }
    }

    private static func term(_ side: FindingRegion.Side) -> CodedTerm {
        side == .left ? Term.snomed("7771000", "Left") : Term.snomed("24028007", "Right")
    }

    /// The operating point in words, with what was measured there; nil for a label without one.
    private func operatingPoint(of finding: Finding) -> String? {
        guard let threshold = finding.threshold else { return nil }
        var words = (finding.operatingPoint.isEmpty ? "unnamed" : finding.operatingPoint) + ", positive from \(threshold.description)"
        guard let point = model.labels.first(where: { $0.name.utf8.elementsEqual(finding.label.utf8) })?.operatingPoint else { return words }
        if let share = point.sensitivity { words += "; sensitivity " + Self.words(share) + " of \(point.positives)" }
        if let share = point.specificity { words += "; specificity " + Self.words(share) + " of \(point.negatives)" }
        return words
    }

    private static func words(_ share: ReportOperatingPoint.Share) -> String {
        "\(share.value.description) (\(share.low.description) to \(share.high.description))"
    }

    /// TID 1501 about the picture itself: what the model's quality gate measured, and what came of it; nil where no gate looked.
    var qualityGroup: ContentItem? {
        guard let quality = result.quality, quality.isAssessed else { return nil }
        var group = ContentItem.container(Term.group, template: "1501", text)
        group.add(.context, ContentItem.text(Term.trackingIdentifier, "image quality", text))
        let parts = [Array(source.instanceUID.utf8), Array(model.reference.name.utf8)]
        group.add(.context, ContentItem.identifier(Term.trackingUID, UniqueIdentifier.derived("quality", from: parts), text))
        group.add(.contains, ContentItem.code(Term.finding, Term.imageQuality, text))
        addAlgorithm(to: &group)
        for measure in quality.measures {
            guard let value = measure.value else { continue }
            group.add(.contains, ContentItem.number(Term.own("Q-" + measure.name, measure.name), value, unit: Term.noUnits, text))
        }
        let refusal = qualityRefusal
        let assessment =
            refusal == nil
            ? Term.dicom("111237", "Usable - Meets the quality control standard") : Term.dicom("111236", "Usable - Does not meet the quality control standard")
        group.add(.contains, ContentItem.code(Term.qualityAssessment, assessment, text))
        group.add(.contains, ContentItem.code(Term.qualityStandard, Term.dicom("111240", "Institutionally defined quality control standard"), text))
        if let refusal { group.add(.contains, ContentItem.code(Term.qualityFinding, refusal, text)) }
        group.add(.contains, ContentItem.image(Term.sourceOfMeasurement, source, frame: nil, text))
        return group
    }

    /// Why the gate refused the picture; nil when it did not. What failed behind the gate has a reason of its own.
    private var qualityRefusal: CodedTerm? {
        guard result.status == .failed, let reason = result.reason else { return nil }
        for other in ["NOT-FINITE", "ENGINE"] where reason.value.utf8.elementsEqual(other.utf8) { return nil }
        return reason
    }
}
