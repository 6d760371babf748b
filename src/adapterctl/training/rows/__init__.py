"""From prepared rows to tokens: `formats`, `text`, `tokenizer`; `faulty_rows` names bad ones."""
