import TernImage
import TernNIfTI
import TernZlib

extension Entry {
    init(_ error: NIfTIError) {
        let damaged = "The NIfTI file is damaged"
        switch error {
        case .notANIfTIFile: self.init(.unreadable, "NIFTI-DAMAGED", "Not a NIfTI file")
        case .analyzeFormat: self.init(.unfit, "NIFTI-ANALYZE", "ANALYZE 7.5 does not say left and right; convert it to NIfTI")
        case .halfOfAPair: self.init(.unfit, "NIFTI-PAIR", "A pair of NIfTI files needs both its files")
        case .notAPairHeader: self.init(.unreadable, "NIFTI-DAMAGED", damaged, "the header of a single file beside another file")
        case .compressed(.truncated(let count)):
            self.init(.unreadable, "NIFTI-TRUNCATED", "The NIfTI file ends early", "\(count) compressed bytes")
        case .compressed(.tooManyBytes(let limit)):
            self.init(.unreadable, "NIFTI-DAMAGED", damaged, "it unpacks to more than \(limit) bytes, as its header says")
        case .compressed: self.init(.unreadable, "NIFTI-DAMAGED", damaged, "gzip")
        case .truncatedHeader(let count): self.init(.unreadable, "NIFTI-TRUNCATED", "The NIfTI file ends early", "\(count) bytes")
        case .samplesMissing(let needed, let available):
            self.init(.unreadable, "NIFTI-TRUNCATED", "The NIfTI file ends early", "\(needed) bytes needed, \(available) there")
        case .trailingBytes(let count, _): self.init(.unreadable, "NIFTI-DAMAGED", damaged, "\(count) bytes behind the samples")
        case .dimension(let axis, let count): self.init(.unreadable, "NIFTI-DAMAGED", damaged, "dim[\(axis)] is \(count)")
        case .dataOffset: self.init(.unreadable, "NIFTI-DAMAGED", damaged, "vox_offset")
        case .intercept: self.init(.unreadable, "NIFTI-DAMAGED", damaged, "scl_inter")
        case .tooManyAxes(let axis, let count):
            self.init(.unfit, "NIFTI-AXES", "The NIfTI file has more than four axes", "\(count) samples along axis \(axis)")
        case .oneAxis: self.init(.unfit, "NIFTI-AXES", "The NIfTI file has one axis only")
        case .datatype(let code): self.init(.unfit, "NIFTI-DATATYPE", "The NIfTI datatype is not read", "code \(code)")
        case .tooManyBytes(let count, let limit):
            self.init(.tooLarge, "NIFTI-TOO-LARGE", "The NIfTI volume is too large", "\(count) bytes unpacked, limit \(limit)")
        case .tooManyFrames(let count, let limit):
            self.init(.tooLarge, "NIFTI-TOO-LARGE", "The NIfTI volume is too large", "\(count) frames in so few bytes, limit \(limit)")
        case .orientation: self.init(.unfit, "NIFTI-ORIENT", "The NIfTI file's transformation is none")
        case .notFinite: self.init(.unfit, "NIFTI-NOT-FINITE", "The slice has values that are no finite number")
        case .shape(let error): self.init(error)
        }
    }
}
