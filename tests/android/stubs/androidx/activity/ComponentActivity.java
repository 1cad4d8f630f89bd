package androidx.activity;

import androidx.activity.result.ActivityResultCallback;
import androidx.activity.result.ActivityResultLauncher;
import androidx.activity.result.contract.ActivityResultContract;
import androidx.lifecycle.LifecycleOwner;
import androidx.lifecycle.ViewModelStore;
import androidx.lifecycle.ViewModelStoreOwner;

public class ComponentActivity extends android.app.Activity implements LifecycleOwner, ViewModelStoreOwner {
  public ViewModelStore getViewModelStore() { throw new RuntimeException("stub"); }
  public <I, O> ActivityResultLauncher<I> registerForActivityResult(ActivityResultContract<I, O> contract, ActivityResultCallback<O> callback) { throw new RuntimeException("stub"); }
}
