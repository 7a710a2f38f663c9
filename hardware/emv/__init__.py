"""EMV's data: BER-TLV, the tag dictionary, data object lists, formats, bit fields, masking."""
