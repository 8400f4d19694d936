import TernFindings

/// Coded terms of PS3.16 2024d (contexts and annex D), and the few of our own.
enum Term {
    static func dicom(_ value: String, _ meaning: String) -> CodedTerm { CodedTerm(scheme: "DCM", value: value, meaning: meaning) }
    static func snomed(_ value: String, _ meaning: String) -> CodedTerm { CodedTerm(scheme: "SCT", value: value, meaning: meaning) }
    static func unit(_ value: String, _ meaning: String) -> CodedTerm { CodedTerm(scheme: "UCUM", value: value, meaning: meaning) }
    static func own(_ value: String, _ meaning: String) -> CodedTerm { CodedTerm(scheme: "99TERN", value: value, meaning: meaning) }

    // Structure, TID 1500, 1501, 1410, 1600
    static var report: CodedTerm { dicom("126000", "Imaging Measurement Report") }
    static var language: CodedTerm { dicom("121049", "Language of Content Item and Descendants") }
    static var procedure: CodedTerm { dicom("121058", "Procedure reported") }
    static var imageLibrary: CodedTerm { dicom("111028", "Image Library") }
    static var imageLibraryGroup: CodedTerm { dicom("126200", "Image Library Group") }
    static var modality: CodedTerm { dicom("121139", "Modality") }
    static var measurements: CodedTerm { dicom("126010", "Imaging Measurements") }
    static var group: CodedTerm { dicom("125007", "Measurement Group") }
    static var evaluations: CodedTerm { CodedTerm(scheme: "UMLS", value: "C0034375", meaning: "Qualitative Evaluations") }
    static var trackingIdentifier: CodedTerm { dicom("112039", "Tracking Identifier") }
    static var trackingUID: CodedTerm { dicom("112040", "Tracking Unique Identifier") }
    static var finding: CodedTerm { dicom("121071", "Finding") }
    static var findingSite: CodedTerm { snomed("363698007", "Finding Site") }
    static var laterality: CodedTerm { snomed("272741003", "Laterality") }
    static var method: CodedTerm { snomed("370129005", "Measurement Method") }
    static var sourceOfMeasurement: CodedTerm { dicom("121112", "Source of Measurement") }
    static var region: CodedTerm { dicom("111030", "Image Region") }
    static var regionPurpose: CodedTerm { dicom("130400", "Geometric purpose of region") }
    static var comment: CodedTerm { dicom("121106", "Comment") }
    static var renderingIntent: CodedTerm { dicom("111056", "Rendering Intent") }

    // Observer, TID 1002, 1004
    static var observerType: CodedTerm { dicom("121005", "Observer Type") }
    static var device: CodedTerm { dicom("121007", "Device") }

    // Algorithm, TID 4019
    static var algorithmName: CodedTerm { dicom("111001", "Algorithm Name") }
    static var algorithmVersion: CodedTerm { dicom("111003", "Algorithm Version") }
    static var algorithmManufacturer: CodedTerm { dicom("122405", "Algorithm Manufacturer") }
    static var algorithmParameters: CodedTerm { dicom("111002", "Algorithm Parameters") }
    static var algorithmFamily: CodedTerm { dicom("111000", "Algorithm Family") }

    // How far it came, and the picture
    static var summaryOfAnalyses: CodedTerm { dicom("111065", "Summary of Analyses") }
    static var findingsSummary: CodedTerm { dicom("111017", "CAD Processing and Findings Summary") }
    static var imageQuality: CodedTerm { dicom("111101", "Image Quality") }
    static var qualityAssessment: CodedTerm { dicom("111050", "Quality Assessment") }
    static var qualityStandard: CodedTerm { dicom("111051", "Quality Control Standard") }
    static var qualityFinding: CodedTerm { dicom("111052", "Quality Finding") }
    static var certainty: CodedTerm { dicom("111012", "Certainty of Finding") }
    static var operatingPoint: CodedTerm { dicom("111081", "CAD Operating Point Description") }

    static var present: CodedTerm { snomed("52101004", "Present") }
    static var absent: CodedTerm { snomed("272519000", "Absent") }
    static var undetermined: CodedTerm { snomed("373068000", "Undetermined") }
    static var percent: CodedTerm { unit("%", "Percent") }
    static var noUnits: CodedTerm { unit("1", "no units") }

    // Of our own
    static var answer: CodedTerm { own("ANSWER", "Answer of the model") }
    static var reason: CodedTerm { own("REASON", "Reason") }
    static var call: CodedTerm { own("CALL", "Call at the operating point") }
    static var tier: CodedTerm { own("TIER", "Distance from the operating point") }
    static var score: CodedTerm { own("SCORE", "Score of the model") }
    static var threshold: CodedTerm { own("THRESHOLD", "Threshold of the operating point") }
    static var share: CodedTerm { own("SHARE", "Share of what speaks for the finding") }
    static var distance: CodedTerm { own("OOD-SCORE", "Distance from the images the model was made for") }
    static var distanceThreshold: CodedTerm { own("OOD-THRESHOLD", "Distance from which an image is flagged") }
    static var outOfDistribution: CodedTerm { own("OOD", "Out of distribution") }
    static var needsHuman: CodedTerm { own("NEEDS-HUMAN", "A human must decide") }
    static var framesAnalysed: CodedTerm { own("FRAMES-ANALYSED", "Frames that were analysed") }
    static var framesFlagged: CodedTerm { own("FRAMES-FLAGGED", "Frames that are out of distribution") }

    /// CID 6042.
    static func status(_ status: ResultStatus) -> CodedTerm {
        switch status {
        case .succeeded: dicom("111222", "Succeeded")
        case .partiallySucceeded: dicom("111223", "Partially Succeeded")
        case .failed: dicom("111224", "Failed")
        case .notAttempted: dicom("111225", "Not Attempted")
        }
    }

    static func answer(_ answer: Answer) -> CodedTerm {
        switch answer {
        case .finding: own("FINDING", "Finding")
        case .noFinding: own("NO-FINDING", "No finding")
        case .needsReview: needsHuman
        case .notAnalysed: own("NOT-ANALYSED", "Not analysed")
        }
    }

    /// CID 240: absent only where the model decides, and not where the score is too near to the threshold.
    static func presence(of finding: Finding) -> CodedTerm {
        switch finding.call {
        case .positive: present
        case .negative: finding.tier == .review ? undetermined : absent
        case .review: undetermined
        }
    }

    /// As `presence`, but who has to decide is named.
    static func call(of finding: Finding) -> CodedTerm {
        switch finding.call {
        case .positive: present
        case .negative: finding.tier == .review ? needsHuman : absent
        case .review: needsHuman
        }
    }

    static func tier(_ tier: Tier) -> CodedTerm {
        switch tier {
        case .high: own("HIGH", "High")
        case .medium: own("MEDIUM", "Medium")
        case .review: needsHuman
        }
    }

    /// CID 33; nil for kinds of devices that take no pictures.
    @inline(never)
    static func modality(_ term: String) -> CodedTerm? {
        for (value, meaning) in modalities where value.utf8.elementsEqual(term.utf8) { return dicom(value, meaning) }
        return nil
    }

    private static let modalities = [
        ("CR", "Computed Radiography"), ("CT", "Computed Tomography"), ("DX", "Digital Radiography"), ("MG", "Mammography"),
        ("MR", "Magnetic Resonance"), ("US", "Ultrasound"), ("XA", "X-Ray Angiography"), ("RF", "Radiofluoroscopy"),
        ("PT", "Positron emission tomography"), ("NM", "Nuclear Medicine"), ("OP", "Ophthalmic Photography"), ("OPT", "Ophthalmic Tomography"),
        ("SM", "Slide Microscopy"), ("ES", "Endoscopy"), ("XC", "External-camera Photography"), ("GM", "General Microscopy"),
        ("IO", "Intra-oral Radiography"), ("PX", "Panoramic X-Ray"), ("OT", "Other Modality"),
    ]
}
