/// Whether a word is a modality that the standard defines. Files may have any other text in this place, a name too: what leaves a program is only a
/// defined term.
///
/// - Source: the defined terms of PS3.3 2024d C.7.3.1.1.1, those that are retired last.
public func isModalityTerm(_ word: some Collection<UInt8>) -> Bool {
    guard (2...16).contains(word.count), word.allSatisfy({ (0x30...0x5A).contains($0) }) else { return false }
    return terms.utf8.split(separator: 0x20).contains { $0.elementsEqual(word) }
}

private let terms = """
    ANN AR ASMT AU BDUS BI BMD CFM CR CT CTPROTOCOL DG DMS DOC DX ECG EEG EMG EOG EPS ES FID GM HC HD IO IOL IVOCT \
    IVUS KER KO LEN LS M3D MG MR NM OAM OCT OP OPM OPT OPTBSV OPTENF OPV OSS OT PA PLAN POS PR PT PX REG RESP RF \
    RG RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT RWV SEG SM SMR SR SRF STAIN TEXTUREMAP TG \
    US VA XA XAPROTOCOL XC \
    AS CD CF CP CS DD DF DM DS EC FA FS LP MA MS OPR ST VF
    """
