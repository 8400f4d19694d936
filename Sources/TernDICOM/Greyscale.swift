import TernBytes
import TernImage

/// The greyscale steps of an image that hold for all frames: its tables.
struct GreyscaleTables {
    var modality: DecodedImage.LookupTable?
    var voi: DecodedImage.LookupTable?
    var voiCount = 0

    /// None.
    init() {}

    /// - Throws: `.missingElement`, `.invalidValue`.
    init(_ header: ImageHeader, in bytes: RawSpan, isSigned: Bool) throws(DICOMError) {
        modality = header.modalityTableCount > 0 ? try header.modalityTable.table(in: bytes, isSigned: isSigned) : nil
        // C.11.2.1.1: the first input is signed where rescaled values may be negative. What a modality table gives never is.
        let fields = header.fields(ofFrame: 0)
        let isRescaledNegative = (fields.rescaleIntercept ?? 0) < 0 || (fields.rescaleSlope ?? 1) < 0
        voi = header.voiTableCount > 0 ? try header.voiTable.table(in: bytes, isSigned: modality == nil && (isSigned || isRescaledNegative)) : nil
        voiCount = header.voiTableCount
    }
}

extension ImageHeader.FrameFields {
    /// The greyscale steps of a frame, PS3.3 2024d C.11.1 and C.11.2.
    ///
    /// The first table of values of interest is used, without one the first window.
    ///
    /// - Throws: `.missingElement`: one of slope and intercept without the other. `.invalidValue`: a slope of zero. A window that breaks a rule is
    ///   no error here: it is `.unusable`, and an error where it is used.
    func greyscale(_ tables: GreyscaleTables, isInverted: Bool) throws(DICOMError) -> DecodedImage.Greyscale {
        if rescaleSlope != nil || rescaleIntercept != nil, tables.modality == nil {
            _ = try required(rescaleSlope, .rescaleSlope)
            _ = try required(rescaleIntercept, .rescaleIntercept)
        }
        // C.11.1: a table and a rescaling are alternatives.
        let slope = tables.modality == nil ? rescaleSlope ?? 1 : 1
        let intercept = tables.modality == nil ? rescaleIntercept ?? 0 : 0
        // C.11.1.1.2: the slope may not be zero.
        guard slope.isFinite, slope != 0 else { throw .invalidValue(tag: .rescaleSlope) }
        var voi: DecodedImage.VOI?
        if let table = tables.voi {
            voi = .table(table)
        } else {
            voi = window()
        }
        return DecodedImage.Greyscale(
            slope: slope, intercept: intercept, modalityTable: tables.modality, voi: voi, voiCount: tables.voiCount + windowCount,
            isInverted: isInverted)
    }

    private func window() -> DecodedImage.VOI? {
        if let windowFault { return .unusable(windowFault) }
        guard windowCentre != nil || windowWidth != nil else { return nil }
        guard let windowCentre else { return .unusable(.centreMissing) }
        guard let windowWidth else { return .unusable(.widthMissing) }
        let function: DecodedImage.Window.Function
        switch voiFunction {
        case nil, .linear: function = .linear
        case .linearExact: function = .linearExact
        case .sigmoid: function = .sigmoid
        case .other: return .unusable(.function)
        }
        // C.11.2.1.2.1: at least 1; the others above 0.
        guard function == .linear ? windowWidth >= 1 : windowWidth > 0 else { return .unusable(.width) }
        return .window(DecodedImage.Window(centre: windowCentre, width: windowWidth, function: function))
    }
}
