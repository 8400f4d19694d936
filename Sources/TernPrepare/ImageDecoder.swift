import TernBytes
import TernDICOM
public import TernImage
import TernJPEG
import TernPNG

/// A kind of image file.
public enum ImageKind: Equatable, Sendable {
    case jpeg
    case png
    case dicom

    /// Tells the kind from the first bytes; nil when they are none of the three.
    ///
    /// A DICOM preamble may hold another file's header, so the mark of DICOM counts before the others.
    public init?(recognising bytes: RawSpan) {
        var reader = ByteReader(bytes)
        let start: UInt32
        do throws(ReadError) { start = try reader.readUInt32BE() } catch { return nil }
        if DICOMDecoder.recognises(bytes) {
            self = .dicom
        } else if start >> 8 == 0xFFD8FF {
            self = .jpeg
        } else if start == 0x8950_4E47 {
            self = .png
        } else {
            return nil
        }
    }
}

/// An image together with what its file says about where it comes from.
public struct DecodedInput: Sendable {
    public var kind: ImageKind
    public var image: DecodedImage
    /// SOP Instance UID of a DICOM file.
    public var sopInstanceUID: String?
    /// Modality (CS) of a DICOM file.
    public var modality: String?
    public init(kind: ImageKind, image: DecodedImage, sopInstanceUID: String? = nil, modality: String? = nil) {
        self.kind = kind
        self.image = image
        self.sopInstanceUID = sopInstanceUID
        self.modality = modality
    }
}

/// Decodes an image file of a given kind.
///
/// - Throws: `PrepareError`, whose class says how a service answers.
public func decodeImage(_ bytes: RawSpan, as kind: ImageKind) throws(PrepareError) -> DecodedInput {
    switch kind {
    case .jpeg:
        do throws(JPEGError) {
            return DecodedInput(kind: kind, image: try JPEGDecoder.decode(bytes))
        } catch {
            throw .jpeg(error)
        }
    case .png:
        do throws(PNGError) {
            return DecodedInput(kind: kind, image: try PNGDecoder.decode(bytes))
        } catch {
            throw .png(error)
        }
    case .dicom:
        let file: DICOMImage
        do throws(DICOMError) { file = try DICOMDecoder.decode(bytes) } catch { throw .dicom(error) }
        let image: DecodedImage
        switch file.pixels {
        case .native(let decoded): image = decoded
        case .encapsulated(let frame): image = try decodeFrame(frame)
        }
        return DecodedInput(kind: kind, image: image, sopInstanceUID: file.sopInstanceUID?.description, modality: file.modality)
    }
}

/// Decodes the JPEG of a DICOM frame; size and components must be those of the data set.
private func decodeFrame(_ frame: EncapsulatedFrame) throws(PrepareError) -> DecodedImage {
    var image: DecodedImage
    do throws(JPEGError) {
        // The data set's own attributes say how the image lies: an EXIF orientation inside has no say.
        image = try JPEGDecoder.decode(
            frame.bytes.rawBytes, orientation: .ignore,
            colour: frame.colour == .redGreenBlue ? .redGreenBlueUnlessMarked : .fromMarkers)
    } catch {
        throw .jpeg(error)
    }
    let channels = frame.colour == .grey ? 1 : 3
    guard image.width == frame.width, image.height == frame.height, image.channels == channels else {
        throw .frameDiffersFromDataSet
    }
    image.greyscale = frame.greyscale
    return image
}
