"""Tiny random bases as Hugging Face folders: three families, small real tokenizers, no network.

Each function writes a folder that ``AutoTokenizer`` and ``AutoModel...`` load like any other, and
returns it. Equal arguments give equal bytes; the global random state is left as it was.
"""

from __future__ import annotations

from pathlib import Path

WORDS = [
    "the",
    "a",
    "is",
    "are",
    "what",
    "where",
    "when",
    "how",
    "my",
    "your",
    "i",
    "you",
    "it",
    "to",
    "of",
    "in",
    "and",
    "not",
    "no",
    "yes",
    "please",
    "card",
    "money",
    "account",
    "transfer",
    "lost",
    "stolen",
    "cash",
    "top",
    "up",
    "pin",
    "change",
    "refund",
    "charge",
    "rate",
    "fee",
    "country",
    "question",
    "answer",
    "city",
    "capital",
    "sky",
    "blue",
    "red",
    "green",
    "one",
    "two",
    "three",
    "four",
    "five",
    "plus",
    "minus",
    "times",
]

CHATML = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)

_BERT_SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_LLAMA_SPECIALS = ("<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>")


def tiny_bert(folder: Path, *, seed: int = 0, hidden: int = 32, layers: int = 2) -> Path:
    """A BERT with its pooler and without a head: width 32, 2 layers, 128 positions."""
    from transformers import BertConfig, BertModel

    tokenizer = _wordpiece()
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=2 * hidden,
        max_position_embeddings=128,
        pad_token_id=tokenizer.pad_token_id,
    )
    return _write(folder, (BertModel, config), tokenizer=tokenizer, seed=seed)


def tiny_llama(
    folder: Path,
    *,
    seed: int = 0,
    hidden: int = 32,
    layers: int = 2,
    chat: str | None = CHATML,
    vocabulary: int | None = None,
) -> Path:
    """A Llama with grouped key/value heads, a BOS token, no padding token and a ChatML template."""
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = llama_tokenizer()
    tokenizer.chat_template = chat
    config = LlamaConfig(
        vocab_size=vocabulary or len(tokenizer),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=2 * hidden,
        max_position_embeddings=256,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=None,
    )
    return _write(folder, (LlamaForCausalLM, config), tokenizer=tokenizer, seed=seed)


def tiny_opt(folder: Path, *, seed: int = 0, hidden: int = 32, layers: int = 2) -> Path:
    """An OPT: no gated MLP, module names of its own, a BOS token; the Llama's tokenizer."""
    from transformers import OPTConfig, OPTForCausalLM

    tokenizer = llama_tokenizer()
    tokenizer.chat_template = CHATML
    config = OPTConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        word_embed_proj_dim=hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        ffn_dim=2 * hidden,
        max_position_embeddings=256,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.eos_token_id,
    )
    return _write(folder, (OPTForCausalLM, config), tokenizer=tokenizer, seed=seed)


def tiny_gpt2(folder: Path, *, seed: int = 0, hidden: int = 32, layers: int = 2) -> Path:
    """A GPT-2: fused projections (Conv1D), learned positions, neither BOS nor padding token."""
    from transformers import GPT2Config, GPT2LMHeadModel

    tokenizer = _gpt2_tokenizer()
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=hidden,
        n_layer=layers,
        n_head=2,
        n_positions=128,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return _write(folder, (GPT2LMHeadModel, config), tokenizer=tokenizer, seed=seed)


def _write(folder: Path, model, *, tokenizer, seed: int) -> Path:
    import torch

    kind, config = model
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        kind(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _wordpiece():
    from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.decoders import WordPiece as WordPieceDecoder
    from tokenizers.models import WordPiece
    from transformers import BertTokenizerFast

    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    words = [word for word in WORDS if len(word) > 1]
    pieces = [*_BERT_SPECIALS, *letters, *(f"##{letter}" for letter in letters), *words]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer.decoder = WordPieceDecoder()
    return BertTokenizerFast(tokenizer_object=tokenizer)


def _byte_level(specials: tuple[str, ...]):
    """A byte-level BPE whose merges spell the words of WORDS from the left, as GPT-2's would."""
    from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE

    vocabulary = {letter: n for n, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    merges = []
    for word in (f"Ġ{word}" for word in WORDS):
        for end in range(1, len(word)):
            if word[: end + 1] not in vocabulary:
                vocabulary[word[: end + 1]] = len(vocabulary)
                merges.append((word[:end], word[end]))
    tokenizer = Tokenizer(BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in specials])
    return tokenizer


def llama_tokenizer():
    from tokenizers import processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = _byte_level(_LLAMA_SPECIALS)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A",
        pair="<s> $A $B",
        special_tokens=[("<s>", tokenizer.token_to_id("<s>"))],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


def _gpt2_tokenizer():
    from tokenizers import processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = _byte_level(("<|endoftext|>",))
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>")
