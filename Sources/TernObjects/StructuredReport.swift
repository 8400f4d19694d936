import TernFindings

extension ObjectContext {
    /// The result as a Comprehensive 3D SR after TID 1500 "Measurement Report": a measurement group for each finding (TID 1501) and for each region
    /// where it was seen (TID 1410), how far the analysis came, and what the picture is worth. Not verified by anyone, and it says so.
    ///
    /// - Source: PS3.3 2024d A.35.13, C.17; PS3.16 2024d TID 1500, 1002, 1004, 1204, 1410, 1501, 1600, 4019, 4108.
    public func structuredReport() -> ObjectFile {
        var root = ContentItem.container(Term.report, template: "1500", text)
        var language = ContentItem.code(Term.language, CodedTerm(scheme: "RFC5646", value: "en", meaning: "English"), text)
        language.add(.modifier, ContentItem.code(Term.dicom("121046", "Country of Language"), CodedTerm(scheme: "ISO3166_1", value: "GB", meaning: "United Kingdom"), text))
        root.add(.modifier, language)
        addObserver(to: &root)
        root.add(.modifier, ContentItem.code(Term.procedure, Term.snomed("363679005", "Imaging procedure"), text))
        root.add(.contains, imageLibrary)
        root.add(.contains, measurements)
        root.add(.contains, evaluations)

        var object = root.dataSet
        object.add(Tag.completionFlag, .codeString, result.status == .succeeded ? "COMPLETE" : "PARTIAL")
        object.add(Tag.verificationFlag, .codeString, "UNVERIFIED")
        object.add(Tag.preliminaryFlag, .codeString, "PRELIMINARY")
        object.add(Tag.referencedStep, items: [])
        object.add(Tag.performedProcedure, items: [])
        object.add(Tag.evidence, item: evidence)
        let kind = Kind(
            name: "report", classUID: "1.2.840.10008.5.1.4.1.1.88.34", modality: "SR", seriesNumber: "9901", seriesDescription: "AI findings, not verified")
        return file(kind, object)
    }

    /// TID 1002 and 1004: the program with this model is who observed.
    private func addObserver(to root: inout ContentItem) {
        root.add(.context, ContentItem.code(Term.observerType, Term.device, text))
        root.add(.context, ContentItem.identifier(Term.dicom("121012", "Device Observer UID"), deviceUID, text))
        root.add(.context, ContentItem.text(Term.dicom("121013", "Device Observer Name"), Self.deviceName + " " + softwareVersion, text))
        root.add(.context, ContentItem.text(Term.dicom("121014", "Device Observer Manufacturer"), Self.manufacturer, text))
        root.add(.context, ContentItem.text(Term.dicom("121015", "Device Observer Model Name"), model.reference.name, text))
        root.add(.context, ContentItem.text(Term.dicom("121016", "Device Observer Serial Number"), model.reference.digest, text))
    }

    /// TID 1600 to 1602: the image that all is about.
    private var imageLibrary: ContentItem {
        var group = ContentItem.container(Term.imageLibraryGroup, text)
        if let modality = Term.modality(source.modality) { group.add(.acquisition, ContentItem.code(Term.modality, modality, text)) }
        group.add(.contains, ContentItem.image(nil, source, frame: nil, text))
        var library = ContentItem.container(Term.imageLibrary, template: "1600", text)
        library.add(.contains, group)
        return library
    }

    /// TID 1500 row 6; nil when there is nothing to measure.
    private var measurements: ContentItem? {
        var all = ContentItem.container(Term.measurements, text)
        var isEmpty = true
        if let quality = qualityGroup {
            all.add(.contains, quality)
            isEmpty = false
        }
        for finding in result.findings {
            all.add(.contains, group(of: finding))
            isEmpty = false
            guard finding.call != .negative, let location = finding.location else { continue }
            for (index, region) in location.regions.prefix(Self.limitRegionCount).enumerated() {
                all.add(.contains, group(of: region, number: index + 1, of: finding, location.method))
            }
        }
        return isEmpty ? nil : all
    }

    /// Regions of one finding that are written, those with the greatest shares.
    static let limitRegionCount = 8

    /// Current Requested Procedure Evidence Sequence: the image (PS3.3 2024d C.17.2.1).
    private var evidence: DataSetBuilder {
        var instance = DataSetBuilder()
        instance.add(Tag.referencedClassUID, .uniqueIdentifier, source.classUID)
        instance.add(Tag.referencedInstanceUID, .uniqueIdentifier, source.instanceUID)
        var series = DataSetBuilder()
        series.add(Tag.referencedInstances, item: instance)
        series.add(Tag.seriesUID, .uniqueIdentifier, source.seriesUID)
        var study = DataSetBuilder()
        study.add(Tag.referencedSeries, item: series)
        study.add(Tag.studyUID, .uniqueIdentifier, source.studyUID)
        return study
    }

    /// TID 1500 row 12: what is said of the whole: how far it came and why not further, and what that means.
    private var evaluations: ContentItem {
        var all = ContentItem.container(Term.evaluations, text)
        var status = ContentItem.code(Term.summaryOfAnalyses, Term.status(result.status), text)
        addAlgorithm(to: &status)
        if let reason = result.reason { status.add(.properties, ContentItem.code(Term.reason, reason, text)) }
        all.add(.contains, status)
        all.add(.contains, answer)
        if let summary { all.add(.contains, ContentItem.code(Term.findingsSummary, summary, text)) }
        addDistribution(to: &all)
        if let frames = result.input.frames {
            all.add(.contains, ContentItem.number(Term.framesAnalysed, Float(frames.analysed), unit: Term.noUnits, text))
            if let flagged = frames.flagged { all.add(.contains, ContentItem.number(Term.framesFlagged, Float(flagged), unit: Term.noUnits, text)) }
        }
        all.add(.contains, ContentItem.text(Term.comment, Self.disclaimer, text))
        return all
    }

    static let disclaimer = "Made by software and reviewed by nobody. A qualified human decides."

    private func addDistribution(to all: inout ContentItem) {
        guard let distance = result.outOfDistribution else { return }
        var flag = ContentItem.code(Term.outOfDistribution, distance.isFlagged ? Term.present : Term.absent, text)
        flag.add(.properties, ContentItem.number(Term.distance, distance.score, unit: Term.noUnits, text))
        flag.add(.properties, ContentItem.number(Term.distanceThreshold, distance.threshold, unit: Term.noUnits, text))
        all.add(.contains, flag)
    }

    /// CID 6047; nil when a human must decide, which the context has no term for.
    private var summary: CodedTerm? {
        let isWhole = result.status == .succeeded
        switch result.answer {
        case .finding:
            return isWhole
                ? Term.dicom("111242", "All algorithms succeeded; with findings") : Term.dicom("111244", "Not all algorithms succeeded; with findings")
        case .noFinding: return Term.dicom("111241", "All algorithms succeeded; without findings")
        case .needsReview: return nil
        case .notAnalysed: return Term.dicom("111245", "No algorithms succeeded; without findings")
        }
    }

    private var answer: ContentItem {
        var item = ContentItem.code(Term.answer, Term.answer(result.answer), text)
        if let reason = result.answer.reason { item.add(.properties, ContentItem.code(Term.reason, reason, text)) }
        return item
    }
}
