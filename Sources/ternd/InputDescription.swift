import TernBytes
import TernFindings
import TernImage
import TernModel
import TernPrepare

extension InputReference {
    /// Takes over what a file says of itself.
    mutating func describe(_ file: ImageFile) {
        sopInstanceUID = file.sopInstanceUID
        if file.kind == .dicom, file.frameCount == 1 { frame = 1 }
        attributes = file.attributes
        orientation = file.orientation?.rawValue
    }
}

extension FindingResult {
    /// Takes over what became of the only frame.
    mutating func take(_ frame: FrameResult) {
        quality = frame.quality
        input.grey = frame.grey
        findings = frame.findings
        conformal = frame.conformal
        outOfDistribution = frame.outOfDistribution
    }

    /// Takes over what became of the next of several frames: the first that was decoded says how large all are, the first that was prepared how grey
    /// values were taken.
    mutating func take(next frame: FrameResult) {
        var frame = frame
        if quality == nil, let facts = frame.quality {
            quality = ImageQuality(width: facts.width, height: facts.height, channels: facts.channels, bitsStored: facts.bitsStored)
        }
        if input.grey == nil {
            input.grey = frame.grey
            frame.grey = nil
        } else if frame.grey == input.grey {
            frame.grey = nil
        }
        frames.append(frame)
    }
}

extension GreyReference {
    /// How TernPrepare took the grey values of an image; nil for colour and for 8-bit samples without a grey scale, which are shown as stored.
    init?(_ image: DecodedImage, recipe: InputRecipe) {
        if case .window(let centre, let width) = recipe.intensity, image.greyscale != nil {
            self.init(voi: .window(DecodedImage.Window(centre: Double(centre), width: Double(width))), source: .model)
            return
        }
        guard image.channels == 1 else { return nil }
        guard let greyscale = image.greyscale else {
            if case .uint8 = image.samples { return nil }
            self.init(voi: nil)
            return
        }
        self.init(voi: greyscale.voi, source: greyscale.voiCount == 0 ? .frame : .file, count: greyscale.voiCount)
    }
}

extension InputKind {
    /// What the decoders say the bytes are; nil when none of them reads such a file.
    init?(recognising bytes: [UInt8]) {
        switch ImageKind(recognising: bytes.rawBytes) {
        case .dicom: self = .dicom
        case .jpeg: self = .jpeg
        case .png: self = .png
        case .nifti: self = .nifti
        case nil: return nil
        }
    }
}

extension ImageKind {
    init(_ kind: InputKind) {
        switch kind {
        case .dicom: self = .dicom
        case .jpeg: self = .jpeg
        case .png: self = .png
        case .nifti: self = .nifti
        }
    }
}
