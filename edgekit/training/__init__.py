"""Fine-tuning a checkpoint: data check, augmentation, losses, the loop, quantisation-aware training."""
