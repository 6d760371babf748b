"""adapterctl keeps LoRA adapters rebuildable when their base models die."""
