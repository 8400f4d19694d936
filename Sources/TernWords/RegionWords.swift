import TernFindings

/// A term in both languages.
struct TwoWords {
    var english: String
    var chinese: String
}

/// How a report of a body region is titled, and through which structures it goes.
struct RegionWords {
    struct Structure {
        /// As the model file names it.
        var key: String
        var name: TwoWords
    }
    var title: TwoWords
    var structures: [Structure]

    /// No structures for a region without a systematic order, and for none.
    init(_ region: BodyRegion?) {
        title = TwoWords(english: oneLine(region?.code?.meaning ?? ""), chinese: "")
        structures = []
        guard let region else { return }
        for cells in rows(of: regionTable, beginningWith: region.key) where cells.count == 4 {
            let name = TwoWords(english: cells[2], chinese: cells[3])
            if cells[1] == "title" { title = name } else { structures.append(Structure(key: cells[1], name: name)) }
        }
    }
}

/// Region, structure, English, Chinese: a row each, structures in the order in which a report of the region goes through them.
private let regionTable = """
    chest|title|CHEST|胸部影像
    chest|airway|Airway|气管及主支气管
    chest|lungs|Lungs|双肺
    chest|mediastinum|Mediastinum and hila|纵隔及肺门
    chest|heart|Heart|心影
    chest|thorax|Thorax (pleura, diaphragm, bones, soft tissues)|胸廓（胸膜、膈肌、骨质及软组织）
    breast|title|BREAST|乳腺影像
    breast|skin|Skin and nipple|皮肤及乳头
    breast|parenchyma|Glandular tissue|腺体
    breast|ducts|Ducts|导管
    breast|axilla|Axillary lymph nodes|腋窝淋巴结
    retina|title|RETINA|眼底图像
    retina|media|Optical media|屈光间质
    retina|disc|Optic disc|视盘
    retina|vessels|Vessels|视网膜血管
    retina|macula|Macula|黄斑区
    retina|retina|Retina|视网膜
    blood|title|BLOOD SMEAR|血涂片图像
    blood|red-cells|Red cells|红细胞
    blood|white-cells|White cells|白细胞
    blood|platelets|Platelets|血小板
    """

/// The rows of a table whose first cell is `key`: a row a line, cells parted by bars. Byte by byte, which asks for no tables of characters.
@inline(never)
func rows(of table: String, beginningWith key: String) -> [[String]] {
    var rows: [[String]] = []
    for row in table.utf8.split(separator: 0x0A) {
        let cells = row.split(separator: 0x7C)
        guard let first = cells.first, first.elementsEqual(key.utf8) else { continue }
        rows.append(cells.map { String(decoding: $0, as: UTF8.self) })
    }
    return rows
}
