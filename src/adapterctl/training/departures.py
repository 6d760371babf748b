"""Where training departs from ``transformers.Trainer``, and why. The one place that says so.

With every dropout at 0, equal initial weights and the same order of rows, losses follow Trainer
with PEFT within 1e-4 relative, step by step (tests hold this over 50 steps). Different by choice:

Order of rows
    Sorted by the sha256 of ``seed:epoch:index``, not drawn from a generator: resuming needs no
    replay, and no release of torch or accelerate can change it.
Padding
    Families in `rules.unpadded` run a pass as one row of real tokens, with attention inside each
    example; on a GPU examples of like length share a product (`learning.grouped`). Where a
    classifier reads first tokens alone, the last layer on the CPU goes on with no others after its
    attention: nothing comes of the others. Other families are padded, and a step's rows (of all
    its accumulated batches) cut into passes where padding would cost more than another pass.
Passes
    A step's rows are sorted by length; at most ``per_device_train_batch_size`` of them share a
    pass. The loss is the same sum, and the rows of a step are those of Trainer. On the CPU a pass
    of moderate size goes through the base in two halves, each on half of the threads
    (`learning.halves`); their gradients are added, the first half's first.
Several processes
    Where a base is spread over several (`learning.ranks`), each takes every n-th row of a pass, and
    the adapter's gradients are summed before the step: the numbers of one process up to rounding.
Dropout
    The base's and LoRA's stay active as in Trainer. Before each pass the generator is
    seeded from seed, step and pass, so that neighbours and interruptions change nothing;
    only the distribution is Trainer's. On the CPU dropout draws 16 bits per element.
    Without padding there are other elements to draw for: the masks are then others too.
    Layers that read one input (query, key and value; gate and up) share the mask that PEFT draws
    for each. Every layer sees its own input dropped as often as in PEFT, and the expected
    gradient of a pair is the same; only what siblings drop is no longer independent.
Initial weights
    LoRA's A, and a head, are drawn as PEFT and transformers draw them, each tensor from its own
    key of seed and name. A classification head (``classifier``, ``score``) always starts fresh,
    also where the base brings one with as many labels.
Weights that are missing from the base
    Trainer fills them by chance and freezes them; they are then in neither base nor adapter. Here
    that is refused, naming the ``modules_to_save`` that mends it.
Precision of the base
    Float32 whatever the file holds; with ``bf16`` bfloat16, and autocast to it, while the adapter
    and its optimizer stay in float32. Through PEFT's own layers (`variants`) float32 with autocast,
    because some of them change the base. Trainer leaves it to whoever loads the base. TF32 is off.
Loss
    Summed over all targets of a step and divided by their number, as Trainer
    does for CAUSAL_LM. Trainer means the same for SEQ_CLS, but the classifiers of transformers
    ignore ``num_items_in_batch``, so that with accumulation over k batches its loss and gradients
    are k times as large; here k batches weigh as much as one that is k times as large. A step
    without any target has the loss 0, where Trainer has not a number.
Logits
    For CAUSAL_LM only from the first position that is learned on in a batch: the prompt's are not
    used for anything. Where a pass has more than `rules.arithmetic.LARGE` of them, the loss makes
    them a piece at a time and keeps none; a head that is itself trained makes them all.
Attention
    torch's own (SDPA) wherever the family knows how, on every device; on the CPU, where it is
    with dropout and examples are short, `learning.short` instead, the same formula.
Products on the CPU
    In float32 on AMD's processors by oneDNN, where torch has it, not by MKL (`training.products`):
    the same number up to rounding, in half of the time.
The scale of LoRA
    alpha / r is multiplied onto the columns between A and B, not onto the result, and the result
    is added within the product: the same number up to rounding, with less to read and write.
A loss that is not a number
    Stops the slot. Trainer goes on, and hides it from the log.
Learning-rate warm-up
    ``warmup_ratio``, which Trainer has folded into ``warmup_steps``, is still understood.
Defaults
    ``logging_steps`` 10 and ``save_steps`` 100 instead of 500: short runs are the rule here.
Optimizer settings without effect
    Refused (``adam_beta1`` with SGD, warm-up of a constant rate), where Trainer ignores them.
PiSSA and OLoRA
    Saved as plain LoRA of twice the rank, which fits the base as it is on disk.
"""
