"""The recipe: everything a person chooses (DESIGN.md, section 4)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from adapterctl.records.noun import Date, Fraction, Name, Noun

Task = Literal["SEQ_CLS", "CAUSAL_LM", "TOKEN_CLS", "FEATURE_EXTRACTION"]
Positive = Annotated[int, msgspec.Meta(ge=1)]
NonNegative = Annotated[int, msgspec.Meta(ge=0)]
Rate = Annotated[float, msgspec.Meta(gt=0)]
Weight = Annotated[float, msgspec.Meta(ge=0)]
Dropout = Annotated[float, msgspec.Meta(ge=0, lt=1)]
Path = Annotated[str, msgspec.Meta(min_length=1)]
EntryPoint = Annotated[str, msgspec.Meta(pattern=r"^[^:]+\.(py|ipynb):[A-Za-z_]\w*$")]
Window = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d/\d{4}-\d\d-\d\d$")]


class Owners(Noun, frozen=True, kw_only=True):
    """Who answers for an adapter: a team and the team that covers for it."""

    team: str | None = None
    backup: str | None = None


class Serving(Noun, frozen=True, kw_only=True):
    """One place where the adapter serves; decides which dates hit it."""

    provider: str
    region: str | None = None
    consumers: list[str] = []


class Selection(Noun, frozen=True, kw_only=True):
    """Which rows were chosen out of which pool, by which rule or for which reason."""

    pool: Path
    rule: EntryPoint | None = None
    reason: str | None = None
    labelled_by: str | None = None
    copy: bool = True


class TrainData(Noun, frozen=True, kw_only=True):
    """The training set: a path under DVC and what is known about it.

    ``salvaged`` rows are what `salvage` kept: an adapter's answers, in the form that preprocessing
    gives, so that it is left out.
    """

    path: Path
    # `copy` is also msgspec's word for "keep the bucket's copy, push nothing".
    copy: bool = True
    sensitive: bool = False
    window: Window | None = None
    keep_until: Date | None = None
    selection: Selection | None = None
    salvaged: bool = False


class EvaluationData(Noun, frozen=True, kw_only=True):
    """One evaluation set and the metrics that are read on it; without any it is read by people."""

    path: Path
    metrics: list[str]
    window: Window | None = None
    slice_by: str | None = None
    scorer: EntryPoint | None = None
    sensitive: bool = False
    copy: bool = True


class Data(Noun, frozen=True, kw_only=True):
    """What the adapter learns from and is judged on."""

    train: TrainData
    evaluation: dict[Name, EvaluationData] = {}


class LoraSettings(Noun, frozen=True, kw_only=True):
    """The fields of ``peft.LoraConfig`` that a recipe may carry, under PEFT's names.

    Fields that PEFT fills in by itself (``task_type``, ``base_model_name_or_path``, ...) have no
    place here. The default of ``target_modules`` is ``all-linear``, not PEFT's table, which can
    change between releases.
    """

    r: Positive = 8
    lora_alpha: Annotated[float, msgspec.Meta(gt=0)] = 8.0
    lora_dropout: Dropout = 0.0
    target_modules: str | list[str] = "all-linear"
    exclude_modules: str | list[str] | None = None
    fan_in_fan_out: bool | None = None
    bias: Literal["none", "all", "lora_only"] = "none"
    use_rslora: bool = False
    use_dora: bool = False
    lora_bias: bool = False
    init_lora_weights: bool | str = True
    modules_to_save: list[str] | None = None
    layers_to_transform: int | list[int] | None = None
    layers_pattern: str | list[str] | None = None
    rank_pattern: dict[str, int] = {}
    alpha_pattern: dict[str, float] = {}
    trainable_token_indices: list[int] | dict[str, list[int]] | None = None
    target_parameters: list[str] | None = None
    layer_replication: list[list[int]] | None = None
    loftq_config: dict[str, Any] | None = None
    eva_config: dict[str, Any] | None = None
    corda_config: dict[str, Any] | None = None
    alora_invocation_tokens: list[int] | None = None
    use_qalora: bool = False
    qalora_group_size: int = 16
    ensure_weight_tying: bool = False


class TrainingSettings(Noun, frozen=True, kw_only=True):
    """The fields of ``transformers.TrainingArguments`` that the builtin trainer honours.

    Names and defaults are the ones of ``TrainingArguments``, plus ``max_length`` (tokens, as in
    TRL) and ``warmup_ratio`` (which is now a ``warmup_steps`` below 1 there). ``logging_steps``
    and ``save_steps`` count optimizer steps, and are shorter by default. How a base is held in
    4 bits carries the names of ``transformers.BitsAndBytesConfig``, and QLoRA's defaults.
    """

    num_train_epochs: Annotated[float, msgspec.Meta(gt=0)] = 3.0
    max_steps: Annotated[int, msgspec.Meta(ge=-1)] = -1
    per_device_train_batch_size: Positive = 8
    per_device_eval_batch_size: Positive = 8
    gradient_accumulation_steps: Positive = 1
    learning_rate: Rate = 5e-5
    weight_decay: Weight = 0.0
    adam_beta1: Fraction = 0.9
    adam_beta2: Fraction = 0.999
    adam_epsilon: Rate = 1e-8
    max_grad_norm: Weight = 1.0
    optim: Literal["adamw_torch", "adamw_torch_fused", "adafactor", "sgd"] = "adamw_torch_fused"
    lr_scheduler_type: Literal[
        "linear",
        "cosine",
        "cosine_with_restarts",
        "polynomial",
        "constant",
        "constant_with_warmup",
        "inverse_sqrt",
        "cosine_with_min_lr",
        "warmup_stable_decay",
    ] = "linear"
    lr_scheduler_kwargs: dict[str, Any] = {}
    warmup_steps: Weight = 0.0
    warmup_ratio: Fraction = 0.0
    label_smoothing_factor: Fraction = 0.0
    bf16: bool = False
    gradient_checkpointing: bool = False
    load_in_4bit: bool = False
    bnb_4bit_quant_type: Literal["nf4", "fp4"] = "nf4"
    bnb_4bit_use_double_quant: bool = False
    max_length: Positive = 512
    logging_steps: Positive = 10
    save_steps: Positive = 100
    seed: NonNegative = 42


class Generation(Noun, frozen=True, kw_only=True):
    """How a CAUSAL_LM adapter's answers are generated; ``temperature`` 0 is greedy."""

    max_new_tokens: Positive = 256
    temperature: Weight = 0.0
    top_p: Fraction = 1.0
    num_beams: Positive = 1


class Margin(Noun, frozen=True, kw_only=True):
    """What loss on one metric is accepted, and the value below which nothing passes."""

    margin: Weight
    limit: float | None = None


class Command(Noun, frozen=True, kw_only=True):
    """A team's own script, with a config file in which values are set."""

    command: Annotated[str, msgspec.Meta(min_length=1)]
    config: Path | None = None
    set: dict[str, str] = {}


class Evaluator(Command, frozen=True, kw_only=True):
    """A team's own judge of answers: a model that is asked, or a harness that scores.

    Attributes:
        repeats: how often each pair of answers is put before it, in each order.
        judge: the model that judges, declared as a base, so that it is pinned and has dates.
        variables: names of environment variables that it is handed, such as a key; the values
            are written nowhere.
    """

    repeats: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    judge: Name | None = None
    variables: list[Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_]\w*$")]] = []


class ProbeSettings(Noun, frozen=True, kw_only=True):
    """How many rows are kept as the version's probe."""

    rows: Annotated[int, msgspec.Meta(ge=20, le=50)] = 32


class Salvage(Noun, frozen=True, kw_only=True):
    """What `salvage` may ask the adapter while its base lives.

    Attributes:
        prompts: a file of rows as preprocessing gives them, without an answer; ``None`` makes
            prompts up from the words of the adapter's own rows.
        permission: who allowed that real prompts are kept, and on what ground.
        rows: how many prompts are made up.
    """

    prompts: Path | None = None
    permission: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    rows: Positive = 500


class CodeSource(Noun, frozen=True, kw_only=True):
    """Another repository that holds the preprocessing."""

    repo: str
    commit: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{7,64}$")]


class Recipe(Noun, frozen=True, kw_only=True):
    """Everything a person chooses for one adapter."""

    schema_version: Literal[1]
    adapter: Name
    base: Name
    task: Task
    data: Data
    preprocessing: EntryPoint
    purpose: str = ""
    owners: Owners = Owners()
    serving: list[Serving] = []
    lora: LoraSettings = LoraSettings()
    training: TrainingSettings = TrainingSettings()
    parity: dict[str, dict[str, Margin] | float] = {}
    trainer: Literal["builtin"] | Command = "builtin"
    evaluator: Literal["builtin"] | Evaluator = "builtin"
    generation: Generation | None = None
    code: CodeSource | None = None
    role_map: dict[str, str | list[str]] = {}
    thresholds: dict[str, float] = {}
    salvage: Salvage | None = None
    probe: ProbeSettings | None = None
    trust_remote_code: bool = False
